//! Cargo features and clippy bans, checked with cargo itself.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod features;
mod lints;
