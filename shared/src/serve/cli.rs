//! [`cli`]: the command line of a service.

use std::process::ExitCode;

use clap::Command;

use super::healthcheck;
use crate::{config, telemetry::Service};

/// Runs the command line of a service. Without arguments, `main` is called. The command `healthcheck` checks whether a
/// running service is ready, for the health check of a container. The options `--help` and `--version` are supported.
///
/// If `service` is [`service!()`](crate::service), `--version` prints the version of the calling crate.
/// `default_address` is the service's address if `LISTEN_ADDR` is unset. `main` should call
/// [`serve::main`](super::main).
///
/// ```no_run
/// # fn run() -> std::process::ExitCode { std::process::ExitCode::SUCCESS }
/// fn main() -> std::process::ExitCode {
///     shared::serve::cli(shared::service!(), "Keeps the stock", "127.0.0.1:8081", run)
/// }
/// ```
pub fn cli(
    service: impl Into<Service>,
    about: &'static str,
    default_address: &'static str,
    main: fn() -> ExitCode,
) -> ExitCode {
    let arguments = command(&service.into(), about).get_matches();
    match arguments.subcommand_name() {
        Some("healthcheck") => healthcheck::check(&config::variable, default_address),
        _ => main(),
    }
}

fn command(service: &Service, about: &'static str) -> Command {
    let healthcheck = Command::new("healthcheck")
        .about("Exits with 0 if the service at LISTEN_ADDR is ready to serve, with 1 if not");
    let command = Command::new(service.name().to_owned())
        .about(about)
        .after_help("All settings are environment variables; docs/settings.md lists them.")
        .subcommand(healthcheck);
    match service.version_text() {
        Some(version) => command.version(version.to_owned()),
        None => command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_version_is_service_version() {
        let ours = command(&Service::from("shop").version("7.8.9"), "");
        assert_eq!(ours.render_version(), "shop 7.8.9\n");
        assert_eq!(command(&"shop".into(), "").get_version(), None);
    }
}
