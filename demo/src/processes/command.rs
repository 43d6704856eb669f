//! The command that starts this binary as a service, and the variables that direct its spans to the receiver.

use std::io;
use std::net::SocketAddr;

use tokio::process::Command;

/// Returns a command that runs this binary with these arguments and additional variables. The process is killed when
/// its handle is dropped.
pub(crate) fn command(arguments: &[&str], variables: &[(&str, String)]) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    // The shell's own telemetry settings must not send these spans elsewhere or give all processes one name.
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

/// Returns the variables that direct a process's spans to this receiver.
pub(crate) fn exports_to(otlp: SocketAddr) -> [(&'static str, String); 3] {
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{otlp}")),
        // All addresses are on this machine, so no proxy is needed.
        ("NO_PROXY", "127.0.0.1".to_owned()),
        ("no_proxy", "127.0.0.1".to_owned()),
    ]
}
