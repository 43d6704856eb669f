//! Keeps the spans that end.

use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tokio::sync::watch;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// Far more than any test needs: only a hanging one meets it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Has every span of this process recorded from now on.
pub(crate) fn record() {
    LazyLock::force(&SPANS);
}

/// The spans that have ended, of all tests of this process: each test looks for its own trace.
static SPANS: LazyLock<watch::Sender<Vec<SpanData>>> = LazyLock::new(|| {
    let spans = watch::Sender::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(Recorder(spans.clone()))
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("checkout"))
        .with_filter(Targets::new().with_target("checkout", LevelFilter::INFO));
    tracing_subscriber::registry().with(layer).init();
    opentelemetry::global::set_tracer_provider(provider);
    spans
});

#[derive(Debug)]
struct Recorder(watch::Sender<Vec<SpanData>>);

impl SpanExporter for Recorder {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.send_modify(|spans| spans.extend(batch));
        Ok(())
    }
}

/// Waits until the trace has an ended span of this name.
pub(crate) async fn span(trace_id: &str, name: &str) -> SpanData {
    let find = |spans: &Vec<SpanData>| {
        spans
            .iter()
            .position(|s| s.name == name && s.span_context.trace_id().to_string() == trace_id)
    };
    let mut spans = SPANS.subscribe();
    let found = tokio::time::timeout(PATIENCE, spans.wait_for(|spans| find(spans).is_some()));
    let spans = found
        .await
        .unwrap_or_else(|_| panic!("no span {name} in {trace_id}"))
        .unwrap();
    spans[find(&spans).unwrap()].clone()
}

/// The names of the trace's spans that have ended so far.
pub(crate) fn span_names(trace_id: &str) -> Vec<String> {
    let spans = SPANS.borrow();
    let of_trace = |s: &&SpanData| s.span_context.trace_id().to_string() == trace_id;
    spans
        .iter()
        .filter(of_trace)
        .map(|s| s.name.to_string())
        .collect()
}
