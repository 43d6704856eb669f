//! The meter provider, which exports [`SpanCounts`](super::SpanCounts) as metrics by the conventions for [SDK
//! metrics](https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/).

use opentelemetry::{
    KeyValue,
    metrics::{AsyncInstrument, MeterProvider as _},
};
use opentelemetry_sdk::{
    Resource,
    metrics::{PeriodicReader, SdkMeterProvider},
};

use super::{InitError, LostSpans, export::Export, settings::Metrics};
use crate::internal::{semconv, tracer::scope};

/// Creates the meter provider, which collects the measurements of `crate::metrics` and exports them at the
/// configured interval.
pub(super) fn provider(
    metrics: Metrics,
    resource: Resource,
) -> Result<SdkMeterProvider, InitError> {
    let exporter = metrics.exporter.builder.build_metric_exporter()?;
    let reader = PeriodicReader::builder(exporter)
        .with_interval(metrics.interval)
        .build();
    let provider = SdkMeterProvider::builder().with_resource(resource);
    Ok(provider.with_reader(reader).build())
}

/// Starts recording request durations with the global meter provider.
pub(super) fn enable() {
    #[cfg(all(feature = "metrics", any(feature = "client", feature = "server")))]
    crate::internal::metrics::enable();
}

/// Registers instruments that read the counters of `export` whenever metrics are collected.
pub(super) fn observe(export: &Export, provider: &SdkMeterProvider) {
    let Export::Otlp(otlp) = export else {
        return;
    };
    let processor = &otlp.processor;
    let meter = provider.meter_with_scope(scope());
    let counters = processor.clone();
    meter
        .i64_observable_up_down_counter("otel.sdk.processor.span.queue.size")
        .with_unit("{span}")
        .with_description("Spans that are not exported yet, including those being sent.")
        .with_callback(move |observer| {
            let waiting = i64::try_from(counters.counts().waiting).unwrap_or(i64::MAX);
            observer.observe(waiting, &processor_attributes());
        })
        .build();
    if let Some(capacity) = otlp.capacity {
        meter
            .i64_observable_up_down_counter("otel.sdk.processor.span.queue.capacity")
            .with_unit("{span}")
            .with_description("Maximum number of spans in the queue.")
            .with_callback(move |observer| {
                let capacity = i64::try_from(capacity).unwrap_or(i64::MAX);
                observer.observe(capacity, &processor_attributes());
            })
            .build();
    }
    let counters = processor.clone();
    meter
        .u64_observable_counter("otel.sdk.processor.span.processed")
        .with_unit("{span}")
        .with_description("Spans passed to the exporter, or lost before that.")
        .with_callback(move |observer| {
            let counts = counters.counts();
            let handed_on = counts.exported + counts.lost.refused;
            observer.observe(handed_on, &processor_attributes());
            let mut before = counts.lost;
            before.refused = 0;
            observe_lost(observer, before, &processor_attributes());
        })
        .build();
    let counters = processor.clone();
    let attributes = otlp.attributes.clone();
    meter
        .u64_observable_counter("otel.sdk.exporter.span.exported")
        .with_unit("{span}")
        .with_description("Spans that the collector accepted or refused.")
        .with_callback(move |observer| {
            let counts = counters.counts();
            observer.observe(counts.exported, &attributes);
            let mut refused = LostSpans::default();
            refused.refused = counts.lost.refused;
            observe_lost(observer, refused, &attributes);
        })
        .build();
}

fn observe_lost(observer: &dyn AsyncInstrument<u64>, lost: LostSpans, component: &[KeyValue]) {
    for (reason, spans) in lost.reasons().filter(|(_, spans)| *spans > 0) {
        let reason = KeyValue::new(semconv::ERROR_TYPE, reason);
        observer.observe(spans, &[component, &[reason]].concat());
    }
}

fn processor_attributes() -> [KeyValue; 2] {
    [
        KeyValue::new(semconv::OTEL_COMPONENT_TYPE, "batching_span_processor"),
        KeyValue::new(semconv::OTEL_COMPONENT_NAME, "batching_span_processor/0"),
    ]
}
