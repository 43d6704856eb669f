//! Telemetry of a process, configured by the `OTEL_*` variables: initialized once by [`init`], ended by
//! [`Telemetry::shutdown`].
//!
//! - [`init`] is one line and sufficient for a service. With [`service!`](crate::service) it also has the
//!   version of the crate.
//! - [`builder`] adds options: a sampler, exporters, layers, no panic hook, no log.
//! - [`Builder::build`] returns the [`Parts`], to be assembled by hand.
//! - [`Deferred`] is for a tracer or an instrument that is requested before telemetry is initialized.
//!
//! `settings` reads the environment variables. `export` sends ended spans to `console` or to the crate `otlp`, which counts them,
//! and `meters` exports the counters if metrics are enabled. `span_layer` selects the `tracing`
//! spans that become spans of a trace, and `log` the events that become log lines. `panics` logs a panic and
//! records it on its span.
//!
//! # Log lines
//!
//! With the cargo feature `logs`, every event of `tracing` and the `log` crate is a line with the `trace_id` and `span_id` of
//! the current span.
//!
//! `LOG_FORMAT=json` (the default) writes one JSON object per line, with these keys in
//! this order: `timestamp`, `level`, `message`, `trace_id`, `span_id`, `service`, `target`, and the event's
//! other fields, sorted.
//! `LOG_FORMAT=pretty` is for people to read, with colors on a terminal unless `NO_COLOR`, `CLICOLOR=0`
//! or `TERM=dumb` is set. Outside a span both ids are omitted. An event is always one line, and
//! characters that control a terminal are escaped.
//!
//! A dedicated thread writes the lines in order and several at once: the first line after a
//! pause without delay, the others within a few milliseconds. When a call that logs an error returns,
//! that line and all earlier ones are written, for up to a hundred errors per second. The same holds
//! for a panic, and for every line after telemetry has ended (shutdown or drop). A second signal flushes
//! the log, too. A process that is killed, aborts without a panic or calls `exit` while telemetry is
//! running therefore loses at most the last few milliseconds, and errors only if they came faster than
//! that.
//!
//! While standard output accepts nothing, up to 4 MiB of lines are kept. A thread that logs an error or
//! finds the buffer full waits for one second, once. After that no thread waits until standard output
//! accepts lines again; lines that exceed the buffer are lost, and an error reports their number as soon
//! as there is capacity for it. When telemetry ends, the log is closed: lines are written for up to
//! five seconds while standard output accepts any, and for one second while it accepts none. The rest
//! is lost, and a line on standard error reports their number. Standard output may be non-blocking.
//!
//! Standard error receives the lines that standard output refuses because its disk is full, its reader
//! is gone, or it was closed when the process started (`>&-`). In the last case Rust opens `/dev/null`
//! in its place for reading and writing, which is how it is recognized; `> /dev/null` discards the
//! lines.

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

/// Handle to the telemetry of the process. Keep it until the end and then call
/// [`shutdown`](Self::shutdown): spans are queued for up to five seconds (`OTEL_BSP_SCHEDULE_DELAY`), and are
/// lost if the process exits before they are exported.
///
/// A drop without shutdown, such as by an early `?` or a panic in `main`, exports the spans that have ended,
/// waits up to five seconds for that, and logs how many are not exported. It does not end telemetry: later
/// spans are exported as long as the process runs. `std::process::exit`, an abort, and a `Telemetry` in a
/// `static` drop nothing, so queued spans are lost.
#[derive(Debug)]
#[must_use = "keep it until the end, then call `shutdown`"]
pub struct Telemetry {
    /// `None` after shutdown.
    live: Option<Live>,
    export: Export,
}

/// The export of the installed telemetry, for [`spans`].
static EXPORT: OnceLock<Export> = OnceLock::new();

/// Returns the counters of the spans that this process has ended: all zero before [`init`]. For code without
/// access to the [`Telemetry`], such as a health endpoint.
pub fn spans() -> SpanCounts {
    EXPORT.get().map(Export::counts).unwrap_or_default()
}

/// Initializes traces, metrics, logs, propagation and the panic hook for this process from its environment
/// variables.
///
/// `service` identifies the process, unless environment variables override it: a name, or
/// [`service!()`](crate::service) for the name and version of the crate. Call this once, at the start of
/// `main`, and inside a Tokio runtime if metrics are exported over gRPC. An unreachable collector is not an
/// error: up to 32 MiB of spans (`OTEL_RUST_BSP_MAX_QUEUE_BYTES`) are queued until it responds, and the log
/// reports it.
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
/// Fails if a variable has an unusable value without a safe replacement (an endpoint, `LOG_FORMAT`,
/// `RUST_LOG`, a missing cargo feature), or if a `tracing` subscriber is already set. Other unusable values
/// are replaced, with a warning.
pub fn init(service: impl Into<Service>) -> Result<Telemetry, InitError> {
    builder(service).init()
}

/// Like [`init`], but with options that environment variables cannot express: see [`Builder`].
pub fn builder(service: impl Into<Service>) -> Builder {
    Builder::new(service.into())
}

impl Telemetry {
    /// Returns the counters of the spans so far: only of this telemetry, if a process has several.
    pub fn spans(&self) -> SpanCounts {
        self.export.counts()
    }

    /// Exports queued spans and metrics concurrently, then ends telemetry. Call it last, after the server
    /// has drained and the tasks have finished. A span that ends later is counted as lost with the reason
    /// `shutdown`.
    ///
    /// Takes at most `deadline` plus one second. Spans that are not exported by then are counted as lost. An
    /// unresponsive collector is retried until then, unless it has requested a longer pause.
    ///
    /// Works in any asynchronous runtime, and continues if its future is dropped.
    pub async fn shutdown(self, deadline: Duration) -> SpanCounts {
        let export = self.export.clone();
        let (done, finished) = oneshot::channel();
        // Blocking would deadlock a current-thread runtime. If no thread can be started, the drop flushes.
        let started = lifecycle::run(move || {
            let _ = done.send(self.shutdown_blocking(deadline));
        });
        if started.is_ok() {
            // Fails if that thread panicked, which is logged.
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

/// Maximum deadline of a shutdown. A longer one could overflow an `Instant`.
const MAX_DEADLINE: Duration = Duration::from_hours(24);

/// The part of [`init`] that a test process needs: spans and panics on them, without a log.
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
