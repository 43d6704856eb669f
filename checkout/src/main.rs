//! The `checkout` binary. `lib.rs` contains the service.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::serve::cli(
        shared::service!(),
        "Takes orders and asks inventory for the stock",
        checkout::DEFAULT_LISTEN_ADDR,
        checkout::main,
    )
}
