//! The `checkout` binary: its command line and exit status. The service itself begins in `lib.rs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::serve::cli(
        shared::service!(),
        "Takes orders and asks inventory for the stock",
        checkout::DEFAULT_LISTEN_ADDR,
        checkout::main,
    )
}
