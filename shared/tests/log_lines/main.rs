//! What is in a log line, to the byte, and that it finds its way out.
//!
//! A log is the process's, so each test has a process of its own: `child` is this test binary again.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod child;
mod delivery;
mod endings;
mod format;
mod hostile;
mod parents;
#[path = "../support/watchdog.rs"]
mod watchdog;
