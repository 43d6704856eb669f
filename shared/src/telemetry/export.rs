//! The way out of the process that the settings ask for.

use std::time::Duration;

use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracerProvider, SpanProcessor as _, TracerProviderBuilder},
};

use super::{
    InitError, SpanCounts,
    console::ConsoleProcessor,
    otlp::OtlpProcessor,
    sampling::Ids,
    settings::{Exporter, Traces},
};

/// How spans leave the process.
#[derive(Debug, Clone)]
pub(super) enum Export {
    Otlp(OtlpProcessor),
    Console(ConsoleProcessor),
    Nowhere,
}

/// The provider that the settings ask for, with the processors that there are already. Without an exporter it still makes
/// spans, so that ids go to logs and callees.
pub(super) fn provider(
    provider: TracerProviderBuilder,
    traces: Traces,
    resource: Resource,
) -> Result<(SdkTracerProvider, Export), InitError> {
    let limits = traces.value_limits;
    let export = match traces.exporter {
        Exporter::Otlp(otlp) => {
            let batching = &traces.batching;
            Export::Otlp(OtlpProcessor::start(*otlp, batching, limits, &resource)?)
        }
        Exporter::Console => Export::Console(ConsoleProcessor::new(limits)),
        Exporter::None => Export::Nowhere,
    };
    let provider = provider
        .with_resource(resource)
        .with_sampler(traces.sampler)
        .with_id_generator(Ids)
        .with_span_limits(traces.limits);
    let provider = match &export {
        Export::Otlp(processor) => provider.with_span_processor(processor.clone()),
        Export::Console(processor) => provider.with_span_processor(processor.clone()),
        Export::Nowhere => provider,
    };
    Ok((provider.build(), export))
}

impl Export {
    pub(super) fn counts(&self) -> SpanCounts {
        match self {
            Self::Otlp(processor) => processor.counts(),
            Self::Console(processor) => processor.counts(),
            Self::Nowhere => SpanCounts::default(),
        }
    }

    /// Sends what waits, for at most so long; from then on every span that ends is lost, and counted.
    pub(super) fn close(&self, deadline: Duration) {
        if let Self::Otlp(processor) = self {
            // What is lost by it is in the books, and has been said.
            let _ = processor.shutdown_with_timeout(deadline);
        }
    }
}
