//! The `demo` binary. All it does is in the library, beginning with [`demo::main`].

use std::process::ExitCode;

fn main() -> ExitCode {
    demo::main()
}
