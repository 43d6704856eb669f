//! The recorder and its messages for incomplete traces.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod other_subscriber;
mod span_levels;
#[path = "../support/mod.rs"]
mod support;
mod traces;
