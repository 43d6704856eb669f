//! The `inventory` binary. `lib.rs` contains the service.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::serve::cli(
        shared::service!(),
        "Answers what is in stock and reserves it for orders",
        inventory::DEFAULT_LISTEN_ADDR,
        inventory::main,
    )
}
