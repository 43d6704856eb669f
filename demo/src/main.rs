//! The `demo` binary, which calls [`demo::main`].

use std::process::ExitCode;

fn main() -> ExitCode {
    demo::main()
}
