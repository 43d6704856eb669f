//! Metrics of requests, and bounds of their cardinality.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod cardinality;
mod requests;
#[path = "../support/mod.rs"]
mod support;
