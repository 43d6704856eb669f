//! [`Export`]: the span exporter selected by the settings.

use std::time::Duration;

use opentelemetry::Context;
#[cfg(feature = "otlp")]
use opentelemetry::KeyValue;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};
#[cfg(feature = "otlp")]
use otlp::OtlpProcessor;

use super::{
    InitError, SpanCounts,
    console::ConsoleProcessor,
    panics,
    processors::Processors,
    sampling::Ids,
    settings::{Exporter, Traces},
};
#[cfg(feature = "otlp")]
use super::{redacted, settings::Otlp};
#[cfg(feature = "otlp")]
use crate::propagation::unheld_trace_state;

/// The destination of ended spans.
#[derive(Debug, Clone)]
pub(super) enum Export {
    #[cfg(feature = "otlp")]
    Otlp(OtlpExport),
    Console(ConsoleProcessor),
    Nowhere,
}

/// The export to a collector, and what metrics report of it.
#[cfg(feature = "otlp")]
#[derive(Debug, Clone)]
pub(super) struct OtlpExport {
    pub(super) processor: OtlpProcessor,
    /// Attributes of the exporter's own metrics.
    pub(super) attributes: Vec<KeyValue>,
    /// Maximum number of queued spans, if it is bounded.
    pub(super) capacity: Option<usize>,
}

/// Creates the tracer provider for the settings, with custom processors. Without an exporter it still creates
/// spans, so that logs and callees get their ids.
#[cfg_attr(
    not(feature = "otlp"),
    expect(
        clippy::unnecessary_wraps,
        reason = "only the export to a collector can fail"
    )
)]
pub(super) fn provider(
    own: Vec<Box<dyn SpanProcessor>>,
    traces: Traces,
    resource: Resource,
) -> Result<(SdkTracerProvider, Option<Processors>, Export), InitError> {
    let limits = traces.value_limits;
    let export = match traces.exporter {
        #[cfg(feature = "otlp")]
        Exporter::Otlp(otlp) => {
            let Otlp {
                builder, component, ..
            } = *otlp;
            let mut processor = builder
                .batching(traces.batching)
                .value_limits(limits)
                .edit_spans(redacted::redact)
                .trace_state(unheld_trace_state)
                .build()?;
            processor.set_resource(&resource);
            Export::Otlp(OtlpExport {
                processor,
                attributes: component,
                capacity: traces.batching.queue_spans,
            })
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
            #[cfg(feature = "otlp")]
            Self::Otlp(otlp) => otlp.processor.counts(),
            Self::Console(processor) => processor.counts(),
            Self::Nowhere => SpanCounts::default(),
        }
    }

    fn processor(&self) -> Option<&dyn SpanProcessor> {
        match self {
            #[cfg(feature = "otlp")]
            Self::Otlp(otlp) => Some(&otlp.processor),
            Self::Console(processor) => Some(processor),
            Self::Nowhere => None,
        }
    }

    pub(super) fn on_start(&self, span: &mut Span, parent: &Context) {
        if let Some(processor) = self.processor() {
            processor.on_start(span, parent);
        }
    }

    pub(super) fn on_end(&self, span: SpanData) {
        if let Some(processor) = self.processor() {
            // Called below the lock of the span.
            panics::contained(|| processor.on_end(span));
        }
    }

    pub(super) fn force_flush(&self) -> OTelSdkResult {
        self.processor().map_or(Ok(()), SpanProcessor::force_flush)
    }

    /// Exports queued spans for up to `deadline`. Spans that end later are counted as lost.
    pub(super) fn close(&self, deadline: Duration) -> OTelSdkResult {
        self.processor().map_or(Ok(()), |processor| {
            processor.shutdown_with_timeout(deadline)
        })
    }
}
