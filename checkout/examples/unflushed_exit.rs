//! Runs the pitfall `unflushed-exit`: a process that loses its last spans, or with `--fixed` exports them. Start the
//! demo, then run:
//!
//! ```sh
//! cargo run -p checkout --example unflushed_exit
//! cargo run -p checkout --example unflushed_exit -- --fixed
//! ```
//!
//! Then look for the `trace_id` that the process printed in the demo's list of traces.

use std::process::ExitCode;

fn main() -> ExitCode {
    let fixed = std::env::args().any(|argument| argument == "--fixed");
    checkout::unflushed_exit(fixed)
}
