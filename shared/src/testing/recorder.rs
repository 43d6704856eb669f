//! [`Recorder`]: stores every ended span.

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use opentelemetry::{
    global,
    propagation::TextMapCompositePropagator,
    trace::{FutureExt as _, TraceContextExt as _, Tracer as _, TracerProvider as _},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use tokio::sync::watch;

use super::{Span, Trace};
use crate::{
    internal::tracer::empty_context,
    propagation::{BaggagePropagator, TraceContextPropagator},
    telemetry,
};

/// Maximum time to wait for a trace. Only a failing test waits this long.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Stores the spans that end in this process. Get the instance from [`recorder`].
#[derive(Debug, Default)]
pub struct Recorder {
    spans: Mutex<Vec<Span>>,
    recorded: watch::Sender<usize>,
}

/// Returns the recorder of this process. The first call installs the recorder as the global tracer provider, with the
/// W3C propagators, a `tracing` subscriber that creates spans, and a panic hook that records panics on their spans
/// before printing them.
///
/// # Panics
///
/// Panics if another global `tracing` subscriber is set. Call this function first, and set no other subscriber.
pub fn recorder() -> &'static Recorder {
    // If the installation panics, later calls panic with the same message, so every test shows the cause.
    static RECORDER: OnceLock<&'static Recorder> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let recorder = Box::leak(Box::<Recorder>::default());
        let provider = recorder.provider("");
        global::set_tracer_provider(provider.clone());
        telemetry::install_for_tests(provider.tracer("testing"));
        global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ]));
        recorder
    })
}

impl Recorder {
    /// Returns a tracer provider that stores its spans in this recorder under a service name. Useful for tests with
    /// several services in one process, each with its own provider (`TraceLayer::tracer_provider`,
    /// `TraceMiddleware::tracer_provider`).
    pub fn provider(&'static self, service: &'static str) -> SdkTracerProvider {
        SdkTracerProvider::builder()
            .with_simple_exporter(Exporter {
                recorder: self,
                service,
            })
            .build()
    }

    /// Runs a future in the root span `name` of a new trace, and returns the trace id with the output. Use this
    /// function for code that does not start a trace. For a request to a traced service, read the trace id from the
    /// response instead.
    pub async fn in_trace<F: Future>(&self, name: &'static str, future: F) -> (String, F::Output) {
        let tracer = global::tracer("testing");
        let none = empty_context();
        let cx = none.with_span(tracer.start_with_context(name, &none));
        let trace_id = cx.span().span_context().trace_id().to_string();
        let output = future.with_context(cx.clone()).await;
        cx.span().end();
        (trace_id, output)
    }

    /// Waits until at least `spans` spans of the trace have ended, and returns the trace. Spans can end after the response.
    ///
    /// # Panics
    ///
    /// Panics if the spans have not ended after ten seconds. The message shows the spans that have ended.
    pub async fn trace(&self, trace_id: &str, spans: usize) -> Trace {
        let mut recorded = self.recorded.subscribe();
        let complete = recorded.wait_for(|_| self.now(trace_id).spans.len() >= spans);
        let in_time = tokio::time::timeout(TIMEOUT, complete).await.is_ok();
        let trace = self.now(trace_id);
        assert!(
            in_time,
            "timed out after {TIMEOUT:?} waiting for {spans} spans of trace {trace_id}; recorded:\n{trace}"
        );
        trace
    }

    /// Waits until the span `name` of a trace has ended, and returns it.
    ///
    /// # Panics
    ///
    /// Panics if the span has not ended after ten seconds. The message shows the spans that have ended.
    pub async fn span(&self, trace_id: &str, name: &str) -> Span {
        let find = || {
            let spans = self.now(trace_id).spans;
            spans.into_iter().find(|span| span.name == name)
        };
        let mut recorded = self.recorded.subscribe();
        let ended = recorded.wait_for(|_| find().is_some());
        // The result of the timeout is ignored, since `find` checks again below whether the span has ended.
        let _ = tokio::time::timeout(TIMEOUT, ended).await;
        find().unwrap_or_else(|| {
            let trace = self.now(trace_id);
            panic!("timed out after {TIMEOUT:?} waiting for span `{name}` of trace {trace_id}; recorded:\n{trace}")
        })
    }

    /// Returns the spans of a trace that have ended so far, without waiting. Useful to check that a span has not ended.
    pub fn now(&self, trace_id: &str) -> Trace {
        Trace::new(
            self.all()
                .into_iter()
                .filter(|span| span.trace_id == trace_id)
                .collect(),
        )
    }

    /// Returns every span that has ended so far. Useful to find a span that is in the wrong trace.
    pub fn all(&self) -> Vec<Span> {
        self.spans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[derive(Debug, Clone)]
struct Exporter {
    recorder: &'static Recorder,
    service: &'static str,
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.into_iter().map(|span| Span::new(self.service, span));
        let count = {
            let mut recorded = self
                .recorder
                .spans
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            recorded.extend(spans);
            recorded.len()
        };
        self.recorder.recorded.send_replace(count);
        Ok(())
    }
}
