//! The format of log lines, byte by byte, and their delivery.
//!
//! The log is global to a process, so each test starts this binary again (`child`).

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod child;
mod delivery;
mod endings;
mod format;
mod hostile;
mod parents;
#[path = "../support/mod.rs"]
mod support;
