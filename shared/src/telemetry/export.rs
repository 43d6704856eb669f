//! From an ended span to the collector, counted on both sides of the queue in between.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter as OtlpExporter};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchSpanProcessor, SdkTracerProvider, Span, SpanData, SpanExporter, SpanProcessor},
};

use super::{SpanCounts, settings::Settings};

/// The provider that the settings ask for, or none where the SDK is disabled.
pub(super) fn provider(
    settings: &Settings,
    resource: Resource,
    counts: &Arc<Counts>,
) -> Result<Option<SdkTracerProvider>, ExporterBuildError> {
    if settings.disabled {
        return Ok(None);
    }
    let exporter = CountingExporter {
        inner: OtlpExporter::builder().build()?,
        counts: Arc::clone(counts),
    };
    let processor = CountingProcessor {
        inner: BatchSpanProcessor::builder(exporter).build(),
        counts: Arc::clone(counts),
    };
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_span_processor(processor)
        .build();
    Ok(Some(provider))
}

/// Spans in, spans out. What the queue drops when it is full shows as the difference.
#[derive(Debug, Default)]
pub(super) struct Counts {
    ended: AtomicU64,
    exported: AtomicU64,
    failed: AtomicU64,
}

impl Counts {
    pub(super) fn now(&self) -> SpanCounts {
        let [ended, exported, lost] =
            [&self.ended, &self.exported, &self.failed].map(|count| count.load(Ordering::Relaxed));
        SpanCounts {
            ended,
            exported,
            lost,
        }
    }

    pub(super) fn at_the_end(&self) -> SpanCounts {
        let counts = self.now();
        SpanCounts {
            lost: counts.ended.saturating_sub(counts.exported),
            ..counts
        }
    }
}

#[derive(Debug)]
struct CountingProcessor<P> {
    inner: P,
    counts: Arc<Counts>,
}

impl<P: SpanProcessor> SpanProcessor for CountingProcessor<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.inner.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.counts.ended.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[derive(Debug)]
struct CountingExporter<E> {
    inner: E,
    counts: Arc<Counts>,
}

impl<E: SpanExporter> SpanExporter for CountingExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let result = self.inner.export(batch).await;
        let count = if result.is_ok() {
            &self.counts.exported
        } else {
            &self.counts.failed
        };
        count.fetch_add(spans, Ordering::Relaxed);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
