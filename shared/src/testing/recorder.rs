//! [`Recorder`]: keeps every span that ends.

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
    propagation::{BaggagePropagator, TraceContextPropagator},
    telemetry,
    tracer::empty_context,
};

/// How long a test waits for a trace. It ends as soon as the trace is there; this is for the test that fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps the spans that end in this process. [`recorder`] gives the one that there is.
#[derive(Debug, Default)]
pub struct Recorder {
    spans: Mutex<Vec<Span>>,
    recorded: watch::Sender<usize>,
}

/// The process's recorder. The first call makes it: it becomes the global tracer provider, beside the W3C propagators, a
/// `tracing` subscriber that makes spans, and a panic hook that records panics on their spans before it prints them.
///
/// # Panics
///
/// When the process has another `tracing` subscriber: call this first, and set none beside it.
pub fn recorder() -> &'static Recorder {
    // Where it cannot be made, every test is told why and not only the first.
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
    /// A provider whose spans this recorder keeps, under the name of a service: for a test with several services in one
    /// process, each with a provider of its own (`TraceLayer::tracer_provider`, `TraceMiddleware::tracer_provider`).
    pub fn provider(&'static self, service: &'static str) -> SdkTracerProvider {
        SdkTracerProvider::builder()
            .with_simple_exporter(Exporter {
                recorder: self,
                service,
            })
            .build()
    }

    /// Runs a future as the root span `name` of a new trace; gives the trace's id with the result. For code that begins no trace
    /// by itself; of a request to a traced service its answer names the trace.
    pub async fn in_trace<F: Future>(&self, name: &'static str, future: F) -> (String, F::Output) {
        let tracer = global::tracer("testing");
        let none = empty_context();
        let cx = none.with_span(tracer.start_with_context(name, &none));
        let trace_id = cx.span().span_context().trace_id().to_string();
        let output = future.with_context(cx.clone()).await;
        cx.span().end();
        (trace_id, output)
    }

    /// The trace, as soon as `spans` of it or more have ended: they may end after the answer is there.
    ///
    /// # Panics
    ///
    /// When that does not happen within ten seconds; the message shows the tree of those that did.
    pub async fn trace(&self, trace_id: &str, spans: usize) -> Trace {
        let mut recorded = self.recorded.subscribe();
        let complete = recorded.wait_for(|_| self.now(trace_id).spans.len() >= spans);
        let in_time = tokio::time::timeout(PATIENCE, complete).await.is_ok();
        let trace = self.now(trace_id);
        assert!(
            in_time,
            "waited {PATIENCE:?} for {spans} spans of trace {trace_id}, and this is there:\n{trace}"
        );
        trace
    }

    /// The span `name` of a trace, as soon as it has ended.
    ///
    /// # Panics
    ///
    /// When that does not happen within ten seconds; the message shows the tree of those that did.
    pub async fn span(&self, trace_id: &str, name: &str) -> Span {
        let find = || {
            let spans = self.now(trace_id).spans;
            spans.into_iter().find(|span| span.name == name)
        };
        let mut recorded = self.recorded.subscribe();
        let ended = recorded.wait_for(|_| find().is_some());
        // Whether in time or not, the last look decides.
        let _ = tokio::time::timeout(PATIENCE, ended).await;
        find().unwrap_or_else(|| {
            let trace = self.now(trace_id);
            panic!("waited {PATIENCE:?} for span `{name}` of trace {trace_id}, and this is there:\n{trace}")
        })
    }

    /// What has ended of a trace so far, without waiting: to show that something has not.
    pub fn now(&self, trace_id: &str) -> Trace {
        Trace::new(
            self.all()
                .into_iter()
                .filter(|span| span.trace_id == trace_id)
                .collect(),
        )
    }

    /// Every span that has ended so far: to look for one that fell off its trace.
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
