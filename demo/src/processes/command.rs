//! The command that starts this binary once more, and what it must know to send its spans here.

use std::io;
use std::net::SocketAddr;

use tokio::process::Command;

/// This binary with these arguments, and with these variables added to the environment. Dropped, it takes the process
/// with it.
pub(crate) fn command(arguments: &[&str], variables: &[(&str, String)]) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    // A shell set up for some other collector must not send these spans there, nor give all processes one name.
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

/// The variables that send a process's spans to this receiver.
pub(crate) fn exports_to(otlp: SocketAddr) -> [(&'static str, String); 3] {
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{otlp}")),
        // All they talk to is on this machine.
        ("NO_PROXY", "127.0.0.1".to_owned()),
        ("no_proxy", "127.0.0.1".to_owned()),
    ]
}
