//! [`provider`]: creates the tracer provider from the settings.

use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracerProvider, SpanProcessor},
};

use super::{
    InitError,
    console::ConsoleProcessor,
    export::Export,
    processors::Processors,
    sampling::Ids,
    settings::{Exporter, Traces},
};
#[cfg(feature = "otlp")]
use super::{export::OtlpExport, redacted, settings::Otlp};
#[cfg(feature = "otlp")]
use crate::propagation::unheld_trace_state;

/// Creates the tracer provider from the settings, with custom processors. Without an exporter, the provider
/// still creates spans, so that log lines and called services get their ids.
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
