//! The life of a service: listen, serve, drain, flush.
//!
//! [`main`] is what a service's `main` calls: telemetry, signals, the service itself, then its tasks and the last spans.
//! [`serve`] takes connections until it is told to stop (`connection`), [`health`] answers whoever asks how it is.

mod connection;
mod health;

use std::{error::Error as StdError, net::SocketAddr, process::ExitCode, time::Duration};

use axum::Router;
use clap::Command;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub use self::health::health;
use crate::{
    config::{self, Lookup},
    error::chain,
    task, telemetry,
};

/// How long requests may take to end once the service is told to stop.
pub const DRAIN: Duration = Duration::from_secs(10);
/// How long connections that were cut off may take to be gone.
const CUT: Duration = Duration::from_secs(1);
/// How long tasks may take after the last request.
pub const TASKS: Duration = Duration::from_secs(5);
/// How long the last spans may take to be exported.
pub const FLUSH: Duration = Duration::from_secs(5);

/// Why a service does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, or is none of this machine's.
    #[error(
        "cannot listen on {address}: {source}; set LISTEN_ADDR to another address, port 0 lets the system choose"
    )]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The listening socket is of no use.
    #[error("the listening socket failed")]
    Listener(#[source] std::io::Error),
}

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
        Some("healthcheck") => health::check(&config::variable, default_address),
        _ => main(),
    }
}

/// Runs a service from telemetry to the last flushed span.
///
/// `start` reads its settings through the lookup, binds and serves until the token is cancelled, which SIGINT and SIGTERM
/// do. A second signal ends the process at once. The exit code is 0 unless something could not be started.
pub fn main<E>(
    service: &'static str,
    start: impl AsyncFnOnce(Lookup<'_>, CancellationToken) -> Result<(), E>,
) -> ExitCode
where
    E: StdError + 'static,
{
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return refused(service, &error),
    };
    let code = runtime.block_on(async {
        let telemetry = match telemetry::init(service) {
            Ok(telemetry) => telemetry,
            Err(error) => return refused(service, &error),
        };
        let shutdown = CancellationToken::new();
        task::untracked(signals(shutdown.clone()));
        let result = start(&config::variable, shutdown.clone()).await;
        shutdown.cancel();
        if let Err(error) = &result {
            tracing::error!(error = chain(error), "cannot run");
        }
        let unfinished = task::finish(TASKS).await;
        let spans = telemetry.shutdown(FLUSH).await;
        tracing::info!(
            spans.ended,
            spans.exported,
            spans.lost,
            tasks.unfinished = unfinished,
            "stopped"
        );
        if result.is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    });
    // Dropped, it would wait for blocking work that never ends, with nobody left to hear a second signal.
    runtime.shutdown_background();
    code
}

/// Before there is a log, standard error is the only place to say it.
fn refused(service: &str, error: &(dyn StdError + 'static)) -> ExitCode {
    eprintln!("{service}: {}", chain(error));
    ExitCode::FAILURE
}

/// Binds the address that a service listens on.
///
/// # Errors
///
/// When the address cannot be had; the error says which and what to do.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Bind { address, source })
}

/// Serves HTTP/1.1 until `shutdown` is cancelled, then lets the requests under way end, for at most [`DRAIN`].
///
/// What is not done by then is cut off, and its spans end with `error.type` `shutdown`. Requests carry their peer's
/// address as [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo). A client has 30 s to send a request's head; how
/// long a handler may take is for [`crate::problem::timeout`], and a client that does not read its answer is waited for.
///
/// # Errors
///
/// When the listener has no address.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    tracing::info!(%address, "listening");
    let cut_off = CancellationToken::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let requests = connection::Requests { router: router.clone(), peer, cut_off: cut_off.clone() };
                    #[expect(clippy::disallowed_methods, reason = "a connection has no trace, its requests have")]
                    connections.spawn(connection::serve(stream, requests, shutdown.clone()));
                }
                Err(error) => connection::not_accepted(error).await,
            },
        }
    }
    drop(listener);
    tracing::info!(connections = connections.len(), "draining");
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "not drained in time, cutting off"
        );
        cut_off.cancel();
        connections.abort_all();
        let cut = async { while connections.join_next().await.is_some() {} };
        // One that blocks its thread is left behind.
        let _ = tokio::time::timeout(CUT, cut).await;
    }
    Ok(())
}

async fn signals(shutdown: CancellationToken) {
    let Ok(mut signals) = Signals::listen() else {
        tracing::warn!("cannot listen for signals: only a kill will stop this process");
        return shutdown.cancelled().await;
    };
    tokio::select! {
        () = shutdown.cancelled() => return,
        () = signals.next() => {}
    }
    tracing::info!("told to stop; a second signal ends the process at once");
    shutdown.cancel();
    signals.next().await;
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever asks twice does not want to wait for the last spans"
    )]
    std::process::exit(130);
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "the same shape as on Unix")]
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
