//! [`Export`]: the span exporter selected by the settings.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};

use super::{
    InitError, SpanCounts,
    console::ConsoleProcessor,
    otlp::OtlpProcessor,
    processors::Processors,
    sampling::Ids,
    settings::{Exporter, Traces},
};

/// The destination of ended spans.
#[derive(Debug, Clone)]
pub(super) enum Export {
    Otlp(OtlpProcessor),
    Console(ConsoleProcessor),
    Nowhere,
}

/// Creates the tracer provider for the settings, with custom processors. Without an exporter it still creates
/// spans, so that logs and callees get their ids.
pub(super) fn provider(
    own: Vec<Box<dyn SpanProcessor>>,
    traces: Traces,
    resource: Resource,
) -> Result<(SdkTracerProvider, Option<Processors>, Export), InitError> {
    let limits = traces.value_limits;
    let export = match traces.exporter {
        Exporter::Otlp(otlp) => {
            let batching = &traces.batching;
            Export::Otlp(OtlpProcessor::start(*otlp, batching, limits, &resource)?)
        }
        Exporter::Console => Export::Console(ConsoleProcessor::new(limits)),
        Exporter::None => Export::Nowhere,
    };
    let processors = if own.is_empty() && matches!(export, Export::Nowhere) {
        None
    } else {
        Some(Processors::new(own, export.clone(), &resource))
    };
    let mut provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(traces.sampler)
        .with_id_generator(Ids)
        .with_span_limits(traces.limits);
    if let Some(processors) = &processors {
        provider = provider.with_span_processor(processors.clone());
    }
    Ok((provider.build(), processors, export))
}

impl Export {
    pub(super) fn counts(&self) -> SpanCounts {
        match self {
            Self::Otlp(processor) => processor.counts(),
            Self::Console(processor) => processor.counts(),
            Self::Nowhere => SpanCounts::default(),
        }
    }

    pub(super) fn on_start(&self, span: &mut Span, parent: &Context) {
        if let Self::Otlp(processor) = self {
            processor.on_start(span, parent);
        }
    }

    pub(super) fn on_end(&self, span: SpanData) {
        match self {
            Self::Otlp(processor) => processor.on_end(span),
            Self::Console(processor) => processor.on_end(span),
            Self::Nowhere => {}
        }
    }

    pub(super) fn force_flush(&self) -> OTelSdkResult {
        match self {
            Self::Otlp(processor) => processor.force_flush(),
            Self::Console(processor) => processor.force_flush(),
            Self::Nowhere => Ok(()),
        }
    }

    /// Exports queued spans for up to `deadline`. Spans that end later are counted as lost.
    pub(super) fn close(&self, deadline: Duration) -> OTelSdkResult {
        match self {
            Self::Otlp(processor) => processor.shutdown_with_timeout(deadline),
            Self::Console(processor) => processor.shutdown_with_timeout(deadline),
            Self::Nowhere => Ok(()),
        }
    }
}
