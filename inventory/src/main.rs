//! The `inventory` binary: its command line and exit status. The service itself begins in `lib.rs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::serve::cli(
        shared::service!(),
        "Answers what is in stock and reserves it for orders",
        inventory::DEFAULT_LISTEN_ADDR,
        inventory::main,
    )
}
