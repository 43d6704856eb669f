//! From an ended span to its exporter, counted on both sides of the queue in between.

use std::{sync::Arc, time::Duration};

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{
        BatchSpanProcessor, SdkTracerProvider, SimpleSpanProcessor, Span, SpanData, SpanExporter,
        SpanProcessor,
    },
};

use super::{
    InitError,
    console::ConsoleExporter,
    counts::Counts,
    otlp, panics,
    settings::{Exporter, Metrics, Traces},
};

/// The provider that the settings ask for. Without an exporter it still makes spans, so that ids go to logs and callees.
pub(super) fn provider(
    traces: Traces,
    resource: Resource,
    counts: &Arc<Counts>,
) -> Result<SdkTracerProvider, InitError> {
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(traces.sampler)
        .with_span_limits(traces.limits);
    let destination = traces.exporter.to_string();
    let provider = match traces.exporter {
        Exporter::Otlp(settings) => {
            let exporter =
                CountingExporter::new(otlp::span_exporter(settings)?, destination, counts);
            let processor = BatchSpanProcessor::builder(exporter)
                .with_batch_config(traces.batch)
                .build();
            provider.with_span_processor(CountingProcessor::new(processor, counts))
        }
        Exporter::Console => {
            let exporter = CountingExporter::new(ConsoleExporter, destination, counts);
            let processor = SimpleSpanProcessor::new(exporter);
            provider.with_span_processor(CountingProcessor::new(processor, counts))
        }
        Exporter::None => provider,
    };
    Ok(provider.build())
}

/// Collects what the instruments of `crate::metrics` have measured, and sends it at the settings' interval.
pub(super) fn meter_provider(
    metrics: Metrics,
    resource: Resource,
) -> Result<SdkMeterProvider, InitError> {
    let reader = PeriodicReader::builder(otlp::metric_exporter(metrics.exporter)?)
        .with_interval(metrics.interval)
        .build();
    let provider = SdkMeterProvider::builder().with_resource(resource);
    Ok(provider.with_reader(reader).build())
}

#[derive(Debug)]
struct CountingProcessor<P> {
    inner: P,
    counts: Arc<Counts>,
}

impl<P> CountingProcessor<P> {
    fn new(inner: P, counts: &Arc<Counts>) -> Self {
        let counts = Arc::clone(counts);
        Self { inner, counts }
    }
}

impl<P: SpanProcessor> SpanProcessor for CountingProcessor<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.inner.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.counts.ended();
        }
        // Called below the lock of the span.
        panics::contained(|| self.inner.on_end(span));
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
    destination: String,
    counts: Arc<Counts>,
}

impl<E> CountingExporter<E> {
    fn new(inner: E, destination: String, counts: &Arc<Counts>) -> Self {
        Self {
            inner,
            destination,
            counts: Arc::clone(counts),
        }
    }
}

impl<E: SpanExporter> SpanExporter for CountingExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let result = self.inner.export(batch).await;
        self.counts.export_done(spans, result.is_ok());
        if let Err(error) = &result {
            tracing::error!(%error, exporter = self.destination, spans, "spans are lost: the export failed");
        }
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
