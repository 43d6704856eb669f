//! The end of telemetry: a call of [`Telemetry::shutdown`](super::Telemetry::shutdown), or a drop without
//! that call. Traces and metrics are shut down on separate threads, because their shutdown blocks and may
//! exceed the deadline.

use std::{
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::SdkMeterProvider,
    trace::{SdkTracerProvider, SpanProcessor as _},
};

#[cfg(feature = "logs")]
use super::log;
use super::{export::Export, processors::Processors};

/// Extra time after the deadline of a shutdown, to report unexported spans.
const GRACE: Duration = Duration::from_secs(1);
/// How long a drop of `Telemetry` without shutdown waits for the export of ended spans.
const DROP_FLUSH: Duration = Duration::from_secs(5);

/// The providers and processors to shut down, and the log to close.
#[derive(Debug)]
pub(super) struct Live {
    /// The tracer provider, which passes ended spans to `processors`.
    pub(super) provider: Option<SdkTracerProvider>,
    pub(super) processors: Option<Processors>,
    pub(super) meters: Option<SdkMeterProvider>,
    /// Flushes or closes the log. Dropped after the other fields.
    #[cfg(feature = "logs")]
    pub(super) log: log::CloseOnDrop,
}

impl Live {
    pub(super) fn shut_down(self, deadline: Duration) {
        let Self {
            provider,
            processors,
            meters,
            #[cfg(feature = "logs")]
                log: _log,
        } = self;
        let end = Instant::now() + deadline + GRACE;
        let traces =
            processors.map(|processors| start(move || processors.shutdown_with_timeout(deadline)));
        let metrics = meters.map(|meters| start(move || meters.shutdown_with_timeout(deadline)));
        // Other failures of the span export are part of the span counters, which the exporter logs.
        if let Some(Err(Failure::Timeout)) = traces.map(|traces| wait(traces, end)) {
            tracing::warn!(?deadline, "traces did not shut down in time");
        }
        match metrics.map_or(Ok(()), |metrics| wait(metrics, end)) {
            Ok(()) => {}
            Err(Failure::Timeout) => {
                tracing::warn!(?deadline, "metrics did not shut down in time");
            }
            Err(Failure::Other(error)) => {
                tracing::warn!(error, "metrics did not shut down cleanly");
            }
        }
        drop(provider);
    }

    /// Exports the spans that have ended. Spans that end later are also exported, if the process keeps
    /// running.
    pub(super) fn flush(self, export: &Export) {
        let end = Instant::now() + DROP_FLUSH;
        let traces = self
            .processors
            .map(|processors| start(move || processors.force_flush()));
        let meters = self.meters;
        let metrics = meters.map(|meters| start(move || meters.force_flush()));
        for part in [traces, metrics].into_iter().flatten() {
            // The span counters show whether the export succeeded.
            let _ = wait(part, end);
        }
        let spans = export.counts();
        if spans.waiting > 0 || spans.lost.total() > 0 {
            tracing::warn!(
                spans.ended,
                spans.exported,
                spans.waiting,
                spans.lost = spans.lost.total(),
                spans.why_lost =
                    (spans.lost.total() > 0).then(|| tracing::field::display(spans.lost)),
                "telemetry dropped without shutdown, spans not exported"
            );
        }
    }
}

enum Failure {
    Timeout,
    Other(String),
}

type Work = io::Result<Receiver<OTelSdkResult>>;

fn start(work: impl FnOnce() -> OTelSdkResult + Send + 'static) -> Work {
    let (done, finished) = channel();
    run(move || {
        // The receiver is gone if the waiting thread has timed out.
        let _ = done.send(work());
    })?;
    Ok(finished)
}

/// Runs process-wide work on a new thread, outside any trace.
pub(super) fn run(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "process-wide work has no trace to keep"
    )]
    thread::Builder::new()
        .name("telemetry".to_owned())
        .spawn(work)?;
    Ok(())
}

fn wait(work: Work, end: Instant) -> Result<(), Failure> {
    let finished = work.map_err(|error| Failure::Other(error.to_string()))?;
    let left = end.saturating_duration_since(Instant::now());
    match finished.recv_timeout(left) {
        Ok(result) => result.map_err(|error| Failure::Other(error.to_string())),
        Err(RecvTimeoutError::Timeout) => Err(Failure::Timeout),
        Err(RecvTimeoutError::Disconnected) => Err(Failure::Other("it panicked".to_owned())),
    }
}
