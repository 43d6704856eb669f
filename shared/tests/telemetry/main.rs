//! Options of the setup in code, each in a separate process, and their effect.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]
#![expect(
    clippy::disallowed_methods,
    reason = "a collector's threads and a span of one's own belong to no trace"
)]

mod builder;
mod console;
mod exporters;
mod idioms;
mod late;
mod lifecycle;
mod log_levels;
mod panics;
mod parts;
mod process;
mod records;
mod serve;
mod service;
mod span_levels;
#[path = "../support/mod.rs"]
mod support;
