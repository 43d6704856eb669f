//! The command that starts this binary as a service, and the environment variables that direct its spans to the
//! receiver.

use std::io;
use std::net::SocketAddr;

use tokio::process::Command;

/// Returns a command that runs this binary with these arguments and additional environment variables. The process is
/// killed when its handle is dropped.
pub(crate) fn command(arguments: &[&str], variables: &[(&str, String)]) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    // Removes the telemetry variables of the user's shell, which could send spans elsewhere or give all processes the
    // same service name.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("OTEL_EXPORTER_OTLP_") || name == "OTEL_SERVICE_NAME" {
            command.env_remove(&*name);
        }
    }
    command
        .args(arguments)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .kill_on_drop(true);
    Ok(command)
}

/// Returns the environment variables that direct a process's spans to this receiver.
pub(crate) fn exports_to(otlp: SocketAddr) -> [(&'static str, String); 3] {
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{otlp}")),
        // Requests to the receiver must not go through a proxy, since the receiver is on this machine.
        ("NO_PROXY", "127.0.0.1".to_owned()),
        ("no_proxy", "127.0.0.1".to_owned()),
    ]
}
