//! The errors of starting, running and stopping the services.

use std::io;

use crate::processes::ProcessError;

/// An error that prevents the start of the stack or ends it.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A port is not available.
    #[error(
        "{wanted_by} cannot listen on 127.0.0.1:{number}: {reason}; \
         free the port or choose another one with {flag} (0 takes any free one)"
    )]
    Port {
        /// Name of the server that would listen on the port.
        wanted_by: &'static str,
        /// The port number.
        number: u16,
        /// The command-line flag that changes the port.
        flag: &'static str,
        /// The error of the operating system, as text.
        reason: String,
    },
    /// The directory for inventory's database cannot be created.
    #[error("cannot make a temporary directory for inventory's database")]
    Directory(#[source] io::Error),
    /// The HTTP client for the readiness checks cannot be created.
    #[error("cannot make an HTTP client")]
    Client(#[source] reqwest::Error),
    /// A service's process failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
}
