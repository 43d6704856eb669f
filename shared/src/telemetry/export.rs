//! [`Export`]: the span exporter selected by the settings.

use std::time::Duration;

use opentelemetry::Context;
#[cfg(feature = "otlp")]
use opentelemetry::KeyValue;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
#[cfg(feature = "otlp")]
use otlp::OtlpProcessor;

use super::{SpanCounts, console::ConsoleProcessor, panics};

/// The destination of ended spans.
#[derive(Debug, Clone)]
pub(super) enum Export {
    #[cfg(feature = "otlp")]
    Otlp(OtlpExport),
    Console(ConsoleProcessor),
    Nowhere,
}

/// The export to a collector, with the data that metrics report about it.
#[cfg(feature = "otlp")]
#[derive(Debug, Clone)]
pub(super) struct OtlpExport {
    pub(super) processor: OtlpProcessor,
    /// Attributes of the metrics about the exporter.
    pub(super) attributes: Vec<KeyValue>,
    /// Maximum number of queued spans. `None` if the number is not limited.
    pub(super) capacity: Option<usize>,
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
            // The SDK calls `on_end` while it holds the lock of the span.
            panics::contained(|| processor.on_end(span));
        }
    }

    pub(super) fn force_flush(&self) -> OTelSdkResult {
        self.processor().map_or(Ok(()), SpanProcessor::force_flush)
    }

    /// Exports queued spans for up to `deadline`. Spans that end after the call are counted as lost.
    pub(super) fn close(&self, deadline: Duration) -> OTelSdkResult {
        self.processor().map_or(Ok(()), |processor| {
            processor.shutdown_with_timeout(deadline)
        })
    }
}
