//! Tasks and blocking work: their traces, how a single task ends, and how all tasks of a process end.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod blocking;
mod finish;
#[path = "../support/mod.rs"]
mod support;
mod traces;
