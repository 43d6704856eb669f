//! The life of a service: listen, serve, drain, flush.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use shared::{problem, server::TraceLayer, serve::{self, Limits, ServeError, health}};
//!
//! fn main() -> std::process::ExitCode {
//!     serve::main(shared::service!(), async |_, shutdown| {
//!         let limits = Limits::default(); // Limits::read takes them from the environment
//!         let router = limits
//!             .around(Router::new().route("/", get("hello")).fallback(problem::not_found))
//!             .layer(problem::catch_panic())
//!             .layer(TraceLayer::new())
//!             .merge(health(async || Ok(())));
//!         let listener = serve::bind(([127, 0, 0, 1], 3000).into()).await?;
//!         serve::serve(listener, router, limits, shutdown).await
//!     })
//! }
//! ```
//!
//! [`main`] is what a service's `main` calls: telemetry, `signals`, the service itself, then its tasks and the last spans.
//! [`serve`] accepts connections (`listener`) and serves them (`connection`, `stream`) until it is told to stop, within its
//! [`Limits`]; handlers learn of that from [`Shutdown`]. `head` rejects requests that no router should see; [`health`] has
//! the endpoints for orchestrators.

mod accept;
mod body;
#[cfg(feature = "cli")]
mod cli;
mod connection;
mod head;
mod health;
#[cfg(feature = "cli")]
mod healthcheck;
mod limits;
mod listener;
mod shutdown;
mod signals;
mod stream;

use std::{
    error::Error as StdError,
    future::poll_fn,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    process::ExitCode,
    task::Poll,
    thread,
    time::Duration,
};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[cfg(feature = "cli")]
pub use self::cli::cli;
#[cfg(unix)]
pub use self::signals::hangup;
pub use self::{accept::serve, health::health, limits::Limits, shutdown::Shutdown};
use crate::{
    config::{self, Lookup},
    error::chain,
    task,
    telemetry::{self, Builder, InitError, Service, Telemetry},
};

/// How long requests may take to end once the service is told to stop. Whoever stops the process from outside waits for longer than
/// this, [`TASKS`], [`FLUSH`] and [`Limits::shutdown_delay`] together, and some seconds.
pub const DRAIN: Duration = Duration::from_secs(10);
/// How long tasks may take after the last request, until [`main`] cancels them.
pub const TASKS: Duration = Duration::from_secs(5);
/// How long the last spans may take to be exported, until [`main`] counts them as lost.
pub const FLUSH: Duration = Duration::from_secs(5);

/// Why a service does not listen: of [`bind`] and [`serve`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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

/// Runs a service from telemetry to the last flushed span.
///
/// `start` reads its settings through the lookup, binds and serves until the token is cancelled, which SIGINT, SIGTERM
/// and SIGHUP do. A second SIGINT or SIGTERM ends the process at once. The exit code is 0 unless something could not be started. Any error will do:
/// one of your own, an `anyhow::Error`, or a `Box<dyn Error>` with which `?` takes them all. It is logged with its causes.
///
/// Before `start` the executable's symbols are loaded, which the first backtrace of a process needs: some milliseconds in a
/// release build, up to two seconds in a large program with debug information. So the first request that panics is answered
/// as fast as later ones.
///
/// `service` is who the process is, as [`telemetry::init`] takes it; [`main_with`] takes more wishes than that.
///
/// # Panics
///
/// If `start` panics: the service's tasks are waited for and its spans exported first, as after an error.
pub fn main<E>(
    service: impl Into<Service>,
    start: impl AsyncFnOnce(Lookup<'_>, CancellationToken) -> Result<(), E>,
) -> ExitCode
where
    E: Into<Box<dyn StdError>>,
{
    main_with(service, Builder::init, start)
}

/// The same, with telemetry set up by `set_up`: with a sampler, an exporter or layers of one's own.
///
/// ```no_run
/// # fn main() -> std::process::ExitCode {
/// use axum::Router;
/// use shared::serve::{self, Limits};
/// use tracing_subscriber::{fmt, layer::SubscriberExt as _, registry};
///
/// serve::main_with(
///     shared::service!(),
///     |telemetry| telemetry.log(false).init_on(registry().with(fmt::layer())),
///     async |_, shutdown| {
///         let listener = serve::bind(([127, 0, 0, 1], 3000).into()).await?;
///         serve::serve(listener, Router::new(), Limits::default(), shutdown).await
///     },
/// )
/// # }
/// ```
pub fn main_with<E>(
    service: impl Into<Service>,
    set_up: impl FnOnce(Builder) -> Result<Telemetry, InitError>,
    start: impl AsyncFnOnce(Lookup<'_>, CancellationToken) -> Result<(), E>,
) -> ExitCode
where
    E: Into<Box<dyn StdError>>,
{
    let service = service.into();
    let name = service.name().to_owned();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return refused(&name, &error),
    };
    let code = runtime.block_on(async {
        let telemetry = match set_up(telemetry::builder(service)) {
            Ok(telemetry) => telemetry,
            Err(error) => return Ok(refused(&name, &error)),
        };
        // The log is closed after the last line, and not with telemetry.
        let _log = telemetry::CloseLogOnDrop::new();
        let shutdown = CancellationToken::new();
        task::untracked(signals::heed(shutdown.clone()));
        telemetry::load_symbols();
        let result = caught(start(&config::variable, shutdown.clone())).await;
        shutdown.cancel();
        let end = match result {
            Ok(Ok(())) => Ok(ExitCode::SUCCESS),
            Ok(Err(error)) => {
                let error: Box<dyn StdError> = error.into();
                tracing::error!(error = chain(&*error), "cannot run");
                Ok(ExitCode::FAILURE)
            }
            Err(panic) => Err(panic),
        };
        let unfinished = task::finish(TASKS).await;
        let spans = telemetry.shutdown(FLUSH).await;
        tracing::info!(
            spans.ended,
            spans.exported,
            spans.waiting,
            spans.lost = spans.lost.total(),
            spans.why_lost = (spans.lost.total() > 0).then(|| tracing::field::display(spans.lost)),
            tasks.unfinished = unfinished,
            "stopped"
        );
        end
    });
    // Dropped, it would wait for blocking work that never ends, with nobody left to hear a second signal.
    runtime.shutdown_background();
    code.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Runs a future and catches its panic.
async fn caught<T>(future: impl Future<Output = T>) -> thread::Result<T> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let poll = AssertUnwindSafe(|| future.as_mut().poll(cx));
        match catch_unwind(poll) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

/// Before there is a log, standard error is the only place to say it.
fn refused(service: &str, error: &(dyn StdError + 'static)) -> ExitCode {
    eprintln!("{service}: {}", chain(error));
    ExitCode::FAILURE
}

/// Binds the address that a service listens on, before it [`serve`]s there: a test takes port 0 and asks the listener.
///
/// # Errors
///
/// When the address cannot be had; the error says which and what to do.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Bind { address, source })
}
