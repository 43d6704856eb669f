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
#[cfg(feature = "logs")]
mod directives;
mod error;
mod export;
mod late;
mod lifecycle;
#[cfg_attr(not(feature = "logs"), path = "no_log.rs")]
mod log;
mod meters;
#[cfg_attr(not(feature = "otlp"), path = "no_otlp.rs")]
mod otlp;
mod panics;
mod parts;
mod processors;
mod sampling;
mod service;
mod settings;
mod span_layer;
mod start;
mod texts;

use std::{sync::OnceLock, time::Duration};

use tokio::sync::oneshot;

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
use self::{export::Export, lifecycle::Live};

/// The process's telemetry. Keep it until the end and then call [`shutdown`](Self::shutdown): spans are queued for
/// up to five seconds (`OTEL_BSP_SCHEDULE_DELAY`), and are lost if the process exits before that.
///
/// Dropped without shutdown, as by an early `?` or a panic in `main`, it exports the spans that have ended, waits for that for
/// up to five seconds, and logs how many are not exported. It does not end telemetry: later spans are exported as long as the
/// process lives. `std::process::exit` and an abort drop nothing, nor does a `Telemetry` in a `static`: the queued spans are
/// lost.
#[derive(Debug)]
#[must_use = "keep it until the end, then call `shutdown`"]
pub struct Telemetry {
    /// None after shutdown.
    live: Option<Live>,
    export: Export,
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

    /// Exports the queued spans and the metrics, side by side, then ends telemetry. Call it last: after the server has
    /// drained and the tasks are done. A span that ends later is lost, and counted with the reason `shutdown`.
    ///
    /// Takes no longer than `deadline` and a second; what is not exported by then is lost, and counted. A collector that
    /// does not answer is retried until then, unless it has asked for a longer pause.
    ///
    /// It works in any asynchronous runtime. It goes on if its future is dropped.
    pub async fn shutdown(self, deadline: Duration) -> SpanCounts {
        let export = self.export.clone();
        let (done, finished) = oneshot::channel();
        // It blocks, and on a current-thread runtime it would stop what it waits for. Without a thread, the drop flushes.
        let started = lifecycle::run(move || {
            let _ = done.send(self.shutdown_blocking(deadline));
        });
        if started.is_ok() {
            // Fails if that thread panicked, which is in the log.
            let _ = finished.await;
        }
        export.counts()
    }

    /// Like [`shutdown`](Self::shutdown), but blocks the thread: for a program without an asynchronous runtime.
    pub fn shutdown_blocking(mut self, deadline: Duration) -> SpanCounts {
        if let Some(live) = self.live.take() {
            live.shut_down(deadline.min(LONGEST_DEADLINE));
        }
        self.export.counts()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(live) = self.live.take() {
            // A panic here would abort a thread that unwinds.
            panics::contained(|| live.flush(&self.export));
        }
    }
}

/// The longest deadline of a shutdown: a longer one may not be a time.
const LONGEST_DEADLINE: Duration = Duration::from_hours(24);

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
        span::scope::adopt_with(adopted::ADOPTION);
        panics::set_hook_before_current();
        late::providers_are_set();
    }
}
