//! The lifecycle of a service: listen, serve, drain, flush.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use shared::{problem, server::TraceLayer, serve::{self, Limits}};
//!
//! fn main() -> std::process::ExitCode {
//!     serve::main(shared::service!(), async |_, shutdown| {
//!         let limits = Limits::default(); // Limits::read takes them from the environment
//!         let routes = Router::new().route("/", get("hello")).fallback(problem::not_found);
//!         let ready = async || Ok(());
//!         let router = serve::router(routes, &limits, TraceLayer::new(), ready);
//!         let listener = serve::bind(([127, 0, 0, 1], 3000).into()).await?;
//!         serve::serve(listener, router, limits, shutdown).await
//!     })
//! }
//! ```
//!
//! The `main` function of a service calls [`main`], which sets up telemetry and `signals`, runs the service, waits for
//! its tasks and exports the last spans. [`router`] adds the layers of a service to its routes. [`serve`] accepts
//! connections (`listener`) and serves them (`connection`, `stream`) within its [`Limits`] until shutdown; handlers are
//! notified through [`Shutdown`]. `head` rejects invalid requests before they reach the router, and [`health`] provides
//! the endpoints for orchestrators.

mod accept;
mod body;
#[cfg(feature = "cli")]
mod cli;
pub mod config;
mod connection;
mod head;
mod health;
#[cfg(feature = "cli")]
mod healthcheck;
mod limits;
mod listener;
pub mod problem;
mod router;
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
pub use self::{accept::serve, health::health, limits::Limits, router::router, shutdown::Shutdown};
use crate::{
    config::Lookup,
    error::chain,
    task,
    telemetry::{self, Builder, InitError, Service, Telemetry},
};

/// How long requests in flight may take to end after shutdown begins.
///
/// A supervisor should not kill the process before the sum of `DRAIN_TIMEOUT`, [`TASK_TIMEOUT`], [`FLUSH_TIMEOUT`] and
/// [`Limits::shutdown_delay`], plus a few seconds, has passed.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long background tasks may take to end after the last request. After that, [`main`] cancels the tasks.
pub const TASK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the export of the last spans may take during shutdown. After that, [`main`] counts the remaining spans as
/// lost.
pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// The former name of [`DRAIN_TIMEOUT`].
#[deprecated = "renamed to `DRAIN_TIMEOUT`"]
pub const DRAIN: Duration = DRAIN_TIMEOUT;
/// The former name of [`TASK_TIMEOUT`].
#[deprecated = "renamed to `TASK_TIMEOUT`"]
pub const TASKS: Duration = TASK_TIMEOUT;
/// The former name of [`FLUSH_TIMEOUT`].
#[deprecated = "renamed to `FLUSH_TIMEOUT`"]
pub const FLUSH: Duration = FLUSH_TIMEOUT;

/// An error of [`bind`] or [`serve`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is in use, does not belong to this host, or cannot be bound for another reason.
    #[error(
        "cannot listen on {address}: {source}; set LISTEN_ADDR to another address, port 0 lets the system choose"
    )]
    Bind {
        /// The address that could not be bound.
        address: SocketAddr,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The local address of the listening socket cannot be read.
    #[error("the listening socket failed")]
    Listener(#[source] std::io::Error),
}

/// Runs a service: sets up telemetry, calls `start`, and exports the last spans.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use axum::{Router, routing::get};
/// use shared::{config, problem, serve::{self, Limits}, server::TraceLayer};
///
/// fn main() -> ExitCode {
///     serve::main(shared::service!(), async |lookup, shutdown| {
///         let expects = "an address with a port, such as 127.0.0.1:3000";
///         let address = config::read(lookup, "LISTEN_ADDR", "127.0.0.1:3000", expects)?;
///         let limits = Limits::read(lookup, &Limits::default())?;
///         let routes = Router::new().route("/", get("hello")).fallback(problem::not_found);
///         let router = serve::router(routes, &limits, TraceLayer::new(), async || Ok(()));
///         let listener = serve::bind(address).await?;
///         serve::serve(listener, router, limits, shutdown).await?;
///         Ok::<_, Box<dyn std::error::Error>>(())
///     })
/// }
/// ```
///
/// `start` reads its settings through the lookup, binds its address and serves until the token is cancelled. SIGINT,
/// SIGTERM and SIGHUP cancel the token. A second SIGINT or SIGTERM ends the process at once. The exit code is 0 unless
/// telemetry could not be set up or `start` failed. The error of `start` can have any type that converts into
/// `Box<dyn Error>`, such as `anyhow::Error`. The error is logged with its causes.
///
/// Before `start` is called, the executable's debug symbols are loaded, which the first backtrace of a process needs.
/// Loading takes some milliseconds in a release build, and up to two seconds in a large program with debug information.
/// Because of this, the first request that panics is answered as fast as later ones.
///
/// `service` is the name of the service, as for [`telemetry::init`]. To customize telemetry, use [`main_with`].
///
/// # Panics
///
/// Panics if `start` panics, but first waits for tasks and exports spans, as after an error.
pub fn main<E>(
    service: impl Into<Service>,
    start: impl AsyncFnOnce(Lookup<'_>, CancellationToken) -> Result<(), E>,
) -> ExitCode
where
    E: Into<Box<dyn StdError>>,
{
    main_with(service, Builder::init, start)
}

/// Like [`main`], but initializes telemetry with `set_up`, for example with another sampler, another exporter or
/// additional layers.
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
        Err(error) => return fail_without_log(&name, &error),
    };
    let code = runtime.block_on(async {
        let telemetry = match set_up(telemetry::builder(service)) {
            Ok(telemetry) => telemetry,
            Err(error) => return Ok(fail_without_log(&name, &error)),
        };
        // Closes the log when dropped, after the last log line. Shutting down telemetry does not close the log.
        #[cfg(feature = "logs")]
        let _log = telemetry::CloseLogOnDrop::new();
        let shutdown = CancellationToken::new();
        task::untracked(signals::cancel_on_signal(shutdown.clone()));
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
        let unfinished = task::finish(TASK_TIMEOUT).await;
        let spans = telemetry.shutdown(FLUSH_TIMEOUT).await;
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
    // Dropping the runtime would wait for blocking tasks, which may never end, and a second signal would not be
    // handled.
    runtime.shutdown_background();
    code.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Runs a future, and returns an error if the future panics.
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

/// Writes an error to standard error, because the log is not set up.
fn fail_without_log(service: &str, error: &(dyn StdError + 'static)) -> ExitCode {
    eprintln!("{service}: {}", chain(error));
    ExitCode::FAILURE
}

/// Binds the address for [`serve`]. Tests can bind port 0 and read the address from the listener.
///
/// # Errors
///
/// Fails if the address cannot be bound. The error contains the address and the name of the setting to change.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Bind { address, source })
}
