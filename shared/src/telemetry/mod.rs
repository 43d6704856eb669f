//! Telemetry of a process, configured by the `OTEL_*` variables: initialized once by [`init`], ended by
//! [`Telemetry::shutdown`].
//!
//! - [`init`] is a single call and sufficient for a service. With [`service!`](crate::service), telemetry also has
//!   the version of the crate.
//! - [`builder`] has options for a sampler, exporters, existing layers, and for running without the panic hook or
//!   the log.
//! - [`Builder::build`] returns the [`Parts`] of telemetry, to be assembled by hand.
//! - [`Deferred`] is for a tracer or an instrument that is requested before telemetry is initialized.
//!
//! The module `settings` reads the environment variables. The module `export` sends ended spans to `console` or to
//! the crate `otlp`, which counts them, and `meters` exports these counters if metrics are enabled. The module
//! `span_layer` selects the `tracing` spans that become spans of a trace, and `log` selects the events that become
//! log lines. The module `panics` logs a panic and records it on the current span.
//!
//! # Log lines
//!
//! With the cargo feature `logs`, every enabled event of `tracing` and record of the `log` crate is written as a line
//! with the `trace_id` and `span_id` of the current span.
//!
//! `LOG_FORMAT=json` (the default) writes one JSON object per line, with these keys in this order: `timestamp`,
//! `level`, `message`, `trace_id`, `span_id`, `service`, `target`, and the event's other fields, sorted.
//! `LOG_FORMAT=pretty` writes human-readable lines, with colors on a terminal unless `NO_COLOR`, `CLICOLOR=0` or
//! `TERM=dumb` is set. Outside a span, `trace_id` and `span_id` are omitted. An event is always one line, and
//! characters that control a terminal are escaped.
//!
//! A dedicated thread writes the log lines in order: the first line after a pause without delay, the others in batches
//! within a few milliseconds. When a call that logs an error returns, that line and all earlier lines are written, for
//! up to a hundred errors per second. The line of a panic, and every line after telemetry has ended (shutdown or drop),
//! is also written before the thread continues. A second shutdown signal also flushes the log. A process that is
//! killed, aborts without a panic or calls `exit` while telemetry is running therefore loses at most the log lines of
//! the last few milliseconds, and errors only if more than a hundred were logged within a second.
//!
//! While standard output accepts nothing, up to 4 MiB of log lines are kept. A thread that logs an error or finds the
//! buffer full waits for up to one second. If standard output accepts nothing in that time, no thread waits again until
//! standard output accepts lines. Lines that exceed the buffer are lost, and a later log line of level `ERROR` reports
//! the number of lost lines. When telemetry ends, the log is closed: the remaining lines are written for up to five
//! seconds while standard output accepts lines, and for one second while it accepts none. Lines that are still
//! unwritten after that time are lost, and a line on standard error reports the number of lost lines. Standard output
//! may be non-blocking.
//!
//! Standard error receives the lines that standard output refuses because its disk is full, its reader is gone, or it
//! was closed when the process started (`>&-`). For a closed standard output, Rust opens `/dev/null` for reading and
//! writing, by which this case is recognized. With a redirection to `/dev/null` (`> /dev/null`), the lines are
//! discarded.

mod adopted;
mod builder;
mod console;
mod deferred;
#[cfg(feature = "logs")]
mod directives;
mod error;
mod export;
mod lifecycle;
#[cfg(feature = "logs")]
mod log;
#[cfg(feature = "logs")]
mod logs;
#[cfg(feature = "otlp")]
mod meters;
mod panics;
mod parts;
mod processors;
mod provider;
mod redacted;
mod sampling;
mod service;
mod settings;
mod span_layer;
mod start;

use std::{sync::OnceLock, time::Duration};

use tokio::sync::oneshot;

#[expect(deprecated, reason = "kept for one release")]
pub use self::deferred::Late;
#[cfg(all(feature = "logs", feature = "serve"))]
pub(crate) use self::log::{CloseOnDrop as CloseLogOnDrop, close as close_log};
#[cfg(feature = "serve")]
pub(crate) use self::panics::load_symbols;
#[cfg(feature = "testing")]
pub(crate) use self::testing::install_for_tests;
pub use self::{
    builder::Builder, deferred::Deferred, error::InitError, parts::Parts, service::Service,
};
use self::{export::Export, lifecycle::Live};
pub use otlp::{LostSpans, SpanCounts};

/// Handle to the telemetry of the process. Keep the handle until the end of the process, then call
/// [`shutdown`](Self::shutdown): spans are queued for up to five seconds (`OTEL_BSP_SCHEDULE_DELAY`), and are lost if
/// the process exits before they are exported.
///
/// Dropping the handle without a shutdown, such as by an early `?` or a panic in `main`, exports the spans that have
/// ended, waits up to five seconds for the export, and logs how many spans are not exported. The drop does not end
/// telemetry: spans that end later are exported as long as the process runs. `std::process::exit`, an abort, and a
/// `Telemetry` in a `static` do not drop the handle, so queued spans are lost.
#[derive(Debug)]
#[must_use = "keep it until the end, then call `shutdown`"]
pub struct Telemetry {
    /// The parts to shut down. `None` after shutdown.
    live: Option<Live>,
    export: Export,
}

/// The span exporter of the installed telemetry, whose counters [`spans`] returns.
static EXPORT: OnceLock<Export> = OnceLock::new();

/// Returns the counters of the spans that this process has ended, which are all zero before [`init`]. Use this function
/// in code without access to the [`Telemetry`] handle, such as a health endpoint.
pub fn spans() -> SpanCounts {
    EXPORT.get().map(Export::counts).unwrap_or_default()
}

/// Initializes traces, metrics, logs, propagation and the panic hook for this process from its environment
/// variables.
///
/// `service` identifies the process, unless environment variables override it. Pass a name, or
/// [`service!()`](crate::service) for the name and version of the crate. Call `init` once, at the start of `main`, and
/// inside a Tokio runtime if metrics are exported over gRPC. An unreachable collector is not an error: up to 32 MiB of
/// spans (`OTEL_RUST_BSP_MAX_QUEUE_BYTES`) are queued until the collector responds, and the log reports that the
/// collector is unavailable.
///
/// Records of the `log` crate become log lines too, unless a logger is already set.
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
/// Fails if a variable has an unusable value without a safe replacement (an endpoint, `LOG_FORMAT`, `RUST_LOG`, or a
/// value that needs a missing cargo feature), or if a `tracing` subscriber is already set. Other unusable values are
/// replaced, with a warning.
pub fn init(service: impl Into<Service>) -> Result<Telemetry, InitError> {
    builder(service).init()
}

/// Like [`init`], but with options that environment variables cannot express: see [`Builder`].
pub fn builder(service: impl Into<Service>) -> Builder {
    Builder::new(service.into())
}

impl Telemetry {
    /// Returns the span counters so far. If a process has several `Telemetry` handles, only the spans of this handle
    /// are counted.
    pub fn spans(&self) -> SpanCounts {
        self.export.counts()
    }

    /// Exports queued spans and metrics concurrently, then ends telemetry. Call `shutdown` last, after the server has
    /// drained and the tasks have finished. A span that ends after the shutdown is counted as lost with the reason
    /// `shutdown`.
    ///
    /// The shutdown takes at most `deadline` plus one second. Spans that are not exported by the deadline are counted
    /// as lost. The export to an unresponsive collector is retried until the deadline, unless the collector has
    /// requested a longer pause.
    ///
    /// The shutdown works in any asynchronous runtime, and continues if the returned future is dropped.
    pub async fn shutdown(self, deadline: Duration) -> SpanCounts {
        let export = self.export.clone();
        let (done, finished) = oneshot::channel();
        // Blocking this thread would deadlock a current-thread runtime. If no thread can be started, dropping the
        // handle flushes the spans.
        let started = lifecycle::run(move || {
            let _ = done.send(self.shutdown_blocking(deadline));
        });
        if started.is_ok() {
            // The result is an error if the shutdown thread panicked; the panic is logged.
            let _ = finished.await;
        }
        export.counts()
    }

    /// Like [`shutdown`](Self::shutdown), but blocks the current thread, for a program without an asynchronous
    /// runtime.
    pub fn shutdown_blocking(mut self, deadline: Duration) -> SpanCounts {
        if let Some(live) = self.live.take() {
            live.shut_down(deadline.min(MAX_DEADLINE));
        }
        self.export.counts()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(live) = self.live.take() {
            // A panic in a drop during unwinding would abort the process.
            panics::contained(|| live.flush(&self.export));
        }
    }
}

/// Maximum deadline of a shutdown. A longer deadline could overflow an `Instant`.
const MAX_DEADLINE: Duration = Duration::from_hours(24);

/// The part of [`init`] that tests need: exporting spans and recording panics on them, without log lines.
#[cfg(feature = "testing")]
mod testing {
    use opentelemetry_sdk::trace::SdkTracer;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::{adopted, deferred, panics, span_layer};
    use crate::span;

    pub(crate) fn install_for_tests(tracer: SdkTracer) {
        let subscriber = tracing_subscriber::registry()
            .with(span_layer::layer(tracer, span_layer::default_levels()));
        tracing::subscriber::set_global_default(subscriber)
            .expect("the recorder is the only global `tracing` subscriber of the test process");
        span::scope::adopt_with(adopted::ADOPTION);
        panics::set_hook_before_current();
        deferred::providers_are_set();
    }
}
