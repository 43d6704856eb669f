//! The ways out of the process: for spans the one that the settings ask for, and for metrics.

use std::time::Duration;

use opentelemetry_sdk::{
    Resource,
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{SdkTracerProvider, SpanProcessor as _},
};

use super::{
    InitError, SpanCounts,
    console::ConsoleProcessor,
    otlp::{self, OtlpProcessor},
    sampling::Ids,
    settings::{Exporter, Metrics, Traces},
};

/// How spans leave the process.
#[derive(Debug, Clone)]
pub(super) enum Export {
    Otlp(OtlpProcessor),
    Console(ConsoleProcessor),
    Nowhere,
}

/// The provider that the settings ask for. Without an exporter it still makes spans, so that ids go to logs and callees.
pub(super) fn provider(
    traces: Traces,
    resource: Resource,
) -> Result<(SdkTracerProvider, Export), InitError> {
    let limits = traces.value_limits;
    let export = match traces.exporter {
        Exporter::Otlp(otlp) => {
            let batching = &traces.batching;
            Export::Otlp(OtlpProcessor::start(otlp, batching, limits, &resource)?)
        }
        Exporter::Console => Export::Console(ConsoleProcessor::new(limits)),
        Exporter::None => Export::Nowhere,
    };
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(traces.sampling.sampler())
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

/// Collects what the instruments of `crate::metrics` have measured, and sends it at the settings' interval.
pub(super) fn meter_provider(
    metrics: &Metrics,
    resource: Resource,
) -> Result<SdkMeterProvider, InitError> {
    let reader = PeriodicReader::builder(otlp::metric_exporter(&metrics.exporter)?)
        .with_interval(metrics.interval)
        .build();
    let provider = SdkMeterProvider::builder().with_resource(resource);
    Ok(provider.with_reader(reader).build())
}
