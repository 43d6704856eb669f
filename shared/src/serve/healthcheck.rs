//! The command `healthcheck`: the health check of a container that has no shell or curl.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    process::ExitCode,
    time::Duration,
};

use crate::config::{self, Lookup};

/// How long `healthcheck` waits for the service to respond.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Requests the readiness of the service at `LISTEN_ADDR`. Returns success if the service is ready.
pub(super) fn check(lookup: Lookup<'_>, default_address: &str) -> ExitCode {
    let expects = "an address with a port, such as 127.0.0.1:8080";
    match config::read(lookup, "LISTEN_ADDR", default_address, expects) {
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Ok(address) => match status_line(reachable(address)) {
            Ok(line) if line.split(' ').nth(1) == Some("200") => ExitCode::SUCCESS,
            Ok(line) => {
                eprintln!("{address} is not ready: {line}");
                ExitCode::FAILURE
            }
            Err(error) => {
                eprintln!("{address} does not answer: {error}");
                ExitCode::FAILURE
            }
        },
    }
}

/// Replaces the unspecified address, which means that the service listens on all interfaces, with the loopback address.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn status_line(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned())
}
