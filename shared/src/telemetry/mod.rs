//! Telemetry of a process, from the `OTEL_*` variables: set up once by [`init`], ended by [`Telemetry::shutdown`].
//!
//! - [`init`] is one line, and all that a service needs: with [`service!`](crate::service) it knows its version too.
//! - [`builder`] is for wishes of one's own: a sampler, further exporters and layers, no panic hook, no log.
//! - [`Builder::build`] gives the [`Parts`], to be put together by hand.
//! - [`Late`] is for a tracer or an instrument that is asked for before any of that.
//!
//! What may be set is in `settings`. Ended spans leave by `export`, which is `otlp` or `console`; what became of them is in
//! the books (`counts`), and measured where metrics are on (`meters`). What becomes a span is in `span_layer`, and what a log line
//! in `log`. A panic goes to the log and to its span (`panics`).

mod adopted;
mod builder;
mod console;
mod counts;
mod error;
mod export;
mod late;
#[cfg_attr(not(feature = "logs"), path = "no_log.rs")]
mod log;
mod meters;
#[cfg_attr(not(feature = "otlp"), path = "no_otlp.rs")]
mod otlp;
mod panics;
mod parts;
mod sampling;
mod service;
mod settings;
mod span_layer;
mod texts;

use std::{sync::OnceLock, time::Duration};

use opentelemetry_sdk::{metrics::SdkMeterProvider, trace::SdkTracerProvider};

use self::export::Export;
#[cfg(feature = "serve")]
pub(crate) use self::log::{CloseOnDrop as CloseLogOnDrop, close as close_log};
#[cfg(feature = "serve")]
pub(crate) use self::panics::load_symbols;
#[cfg(feature = "testing")]
pub(crate) use self::testing::install_for_tests;
pub use self::{
    builder::Builder,
    counts::{LostSpans, SpanCounts},
    error::InitError,
    late::Late,
    parts::Parts,
    service::Service,
};

/// The process's telemetry. Keep it until the end and then call [`shutdown`](Self::shutdown): spans wait in a queue for
/// up to five seconds (`OTEL_BSP_SCHEDULE_DELAY`), and a process that just exits takes them with it.
#[derive(Debug)]
#[must_use = "without `shutdown` at the end the last spans are lost"]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
    meters: Option<SdkMeterProvider>,
    export: Export,
    log: log::CloseOnDrop,
}

/// For those who have no [`Telemetry`] at hand, such as a health endpoint.
static EXPORT: OnceLock<Export> = OnceLock::new();

/// What became of the spans that this process has ended so far: all zero before [`init`]. For those who have no [`Telemetry`] at
/// hand, such as a health endpoint.
pub fn spans() -> SpanCounts {
    EXPORT.get().map(Export::counts).unwrap_or_default()
}

/// Sets up traces, metrics, logs, propagation and the panic hook for this process, by its environment variables.
///
/// `service` is who the process is where the environment says nothing else: a name, or [`service!()`](crate::service) for
/// that of the crate with its version. Call it once, first thing in `main`, and inside a Tokio runtime where metrics go out
/// over gRPC. A collector that cannot be reached is no error: spans wait for it, up to 32 MiB of them
/// (`OTEL_RUST_BSP_MAX_QUEUE_BYTES`), and the log says so.
///
/// Records of the `log` crate are log lines too, unless somebody has set a logger before.
///
/// ```no_run
/// # #[tokio::main]
/// # async fn main() -> Result<(), shared::telemetry::InitError> {
/// let telemetry = shared::telemetry::init("checkout")?;
/// // ... what the service does ...
/// telemetry.shutdown(std::time::Duration::from_secs(5)).await;
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// When a variable has a value that nothing can be used in place of (an endpoint, `LOG_FORMAT`, `RUST_LOG`, a cargo
/// feature that is missing), or a `tracing` subscriber is already set. Any other is replaced, with a warning.
pub fn init(service: impl Into<Service>) -> Result<Telemetry, InitError> {
    builder(service).init()
}

/// The same with wishes that the environment cannot express: see [`Builder`].
pub fn builder(service: impl Into<Service>) -> Builder {
    Builder::new(service.into())
}

impl Telemetry {
    /// What became of the spans so far: those of this telemetry, where a process has several.
    pub fn spans(&self) -> SpanCounts {
        self.export.counts()
    }

    /// Exports what waits and what was measured, side by side, then ends telemetry. Call it last: after the server has
    /// drained and the tasks are done. A span that ends later is lost, and counted for as long as somebody asks.
    ///
    /// Takes no longer than `deadline` and a moment; what is not exported by then is lost, and counted. A collector that
    /// is not there is asked for all that time, unless it has asked for more: it may be on its way.
    pub async fn shutdown(self, deadline: Duration) -> SpanCounts {
        let Self {
            provider,
            meters,
            export,
            // Dropped last.
            log: _log,
        } = self;
        let books = export.clone();
        let deadline = deadline.min(LONGEST);
        let end = tokio::time::Instant::now() + deadline + A_MOMENT;
        // They block, and on a current-thread runtime would wait for themselves.
        let traces = crate::task::untracked_blocking(move || {
            // Before its provider, which would lose without a count what ends meanwhile.
            export.close(deadline);
            provider.map(|provider| provider.shutdown_with_timeout(deadline));
        });
        let metrics = crate::task::untracked_blocking(move || {
            meters.map_or(Ok(()), |meters| meters.shutdown_with_timeout(deadline))
        });
        if tokio::time::timeout_at(end, traces).await.is_err() {
            tracing::warn!(?deadline, "traces did not shut down in time");
        }
        match tokio::time::timeout_at(end, metrics).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "metrics did not shut down cleanly"),
            Ok(Err(error)) => tracing::warn!(%error, "metrics did not shut down cleanly"),
            Err(_) => tracing::warn!(?deadline, "metrics did not shut down in time"),
        }
        books.counts()
    }
}

/// For the last words of those who were told to end.
const A_MOMENT: Duration = Duration::from_secs(1);
/// For whoever gives it all the time there is.
const LONGEST: Duration = Duration::from_hours(24);

/// What [`init`] does for a process, as far as a test process wants it: spans and panics on them, no log.
#[cfg(feature = "testing")]
mod testing {
    use opentelemetry_sdk::trace::SdkTracer;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::{adopted, late, panics, span_layer};
    use crate::span;

    pub(crate) fn install_for_tests(tracer: SdkTracer) {
        let subscriber = tracing_subscriber::registry()
            .with(span_layer::layer(tracer, span_layer::default_levels()));
        tracing::subscriber::set_global_default(subscriber)
            .expect("the recorder is the only global `tracing` subscriber of the test process");
        span::scope::adopt_with(adopted::adopt);
        panics::set_hook_before_current();
        late::providers_are_set();
    }
}
