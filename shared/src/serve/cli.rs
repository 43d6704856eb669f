//! [`cli`]: what a service does with its arguments.

use std::process::ExitCode;

use clap::Command;

use super::healthcheck;
use crate::config;

/// The command line of a service: without an argument `main` runs; `healthcheck` asks a running service whether it is
/// ready, for a container's health check; `--help` and `--version` do what they say.
pub fn cli(
    service: &'static str,
    about: &'static str,
    default_address: &'static str,
    main: fn() -> ExitCode,
) -> ExitCode {
    let arguments =
        Command::new(service)
            .about(about)
            .version(env!("CARGO_PKG_VERSION"))
            .after_help("All settings are environment variables; docs/settings.md lists them.")
            .subcommand(Command::new("healthcheck").about(
                "Exits with 0 if the service at LISTEN_ADDR is ready to serve, with 1 if not",
            ))
            .get_matches();
    match arguments.subcommand_name() {
        Some("healthcheck") => healthcheck::check(&config::variable, default_address),
        _ => main(),
    }
}
