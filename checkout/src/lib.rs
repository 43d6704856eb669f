//! The `checkout` service.

use std::process::ExitCode;

/// Runs the service until it is told to stop.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
