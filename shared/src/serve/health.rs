//! Health endpoints, never traced: plain handlers, beside the router that has the trace layer.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    process::ExitCode,
    time::Duration,
};

use axum::{Extension, Json, Router, routing::get};
use http::StatusCode;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{self, Lookup},
    telemetry::{self, SpanCounts},
};

/// How long `healthcheck` waits for the service.
const PATIENCE: Duration = Duration::from_secs(2);

/// A request extension of [`serve`](super::serve): cancelled from the moment on in which the service is told to stop.
#[derive(Debug, Clone)]
pub(super) struct Stopping(pub(super) CancellationToken);

/// What `GET /readyz` says.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Whether traces get out is no matter of readiness, and still what somebody who asks wants to know.
    spans: SpanCounts,
}

/// `GET /healthz` answers 200 as long as the process serves; `GET /readyz` answers 200 `{"ready":true,…}` or 503
/// `{"ready":false,"reason":"…",…}`, with what became of the process's spans ([`SpanCounts`]) as `spans`.
///
/// The reason is what `ready` says, in a few words, or `stopping` from the moment on in which [`serve`](super::serve) is
/// told to stop. Merge it into a router that has its layers already: what is merged is not wrapped by them.
pub fn health<F>(ready: impl Fn() -> F + Clone + Send + Sync + 'static) -> Router
where
    F: Future<Output = Result<(), &'static str>> + Send,
{
    let readyz = move |stopping: Option<Extension<Stopping>>| async move {
        let ready = match stopping {
            Some(Extension(Stopping(token))) if token.is_cancelled() => Err("stopping"),
            _ => ready().await,
        };
        let status = match ready {
            Ok(()) => StatusCode::OK,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        let readiness = Readiness {
            ready: ready.is_ok(),
            reason: ready.err(),
            spans: telemetry::spans(),
        };
        (status, Json(readiness))
    };
    Router::new()
        .route("/healthz", get(StatusCode::OK))
        .route("/readyz", get(readyz))
}

/// Asks the service at `LISTEN_ADDR` whether it is ready.
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

/// A service that listens on all addresses is asked on loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn status_line(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
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
