//! A process that loses its last spans, and with `--fixed` one that does not. With the demo running:
//!
//! ```sh
//! cargo run -p checkout --example unflushed_exit
//! cargo run -p checkout --example unflushed_exit -- --fixed
//! ```
//!
//! Then look for the answer's `trace_id` in the demo's list of traces.

use std::process::ExitCode;

fn main() -> ExitCode {
    let fixed = std::env::args().any(|argument| argument == "--fixed");
    checkout::unflushed_exit(fixed)
}
