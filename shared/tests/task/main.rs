//! Tasks and blocking work: their traces, their end, and the end of all of them.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod blocking;
mod finish;
#[path = "../support/mod.rs"]
mod support;
mod traces;
