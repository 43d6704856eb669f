//! The SDK's own variables: sampler, batches, limits.

use std::time::Duration;

use opentelemetry_sdk::trace::{Sampler, SpanLimits};

use super::{
    Batching,
    variables::{MILLISECONDS, Variables},
};
use crate::telemetry::{sampling::Sampling, texts::ValueLimits};

pub(super) fn sampling(variables: &mut Variables<'_>) -> Sampling {
    const DEFAULT: &str = "parentbased_always_on";
    let value = variables.text("OTEL_TRACES_SAMPLER");
    let value = value.unwrap_or_else(|| DEFAULT.to_owned());
    let name = value.to_ascii_lowercase();
    let (is_parent_based, root) = match name.strip_prefix("parentbased_") {
        Some(root) => (true, root),
        None => (false, name.as_str()),
    };
    let (is_parent_based, root) = match root {
        "always_on" => (is_parent_based, Sampler::AlwaysOn),
        "always_off" => (is_parent_based, Sampler::AlwaysOff),
        "traceidratio" => (
            is_parent_based,
            Sampler::TraceIdRatioBased(ratio(variables)),
        ),
        _ => {
            variables.unusable("OTEL_TRACES_SAMPLER", &value, DEFAULT);
            (true, Sampler::AlwaysOn)
        }
    };
    Sampling {
        is_parent_based,
        root,
    }
}

fn ratio(variables: &mut Variables<'_>) -> f64 {
    let ratio = variables.parse("OTEL_TRACES_SAMPLER_ARG", "1.0", |value| {
        value
            .parse()
            .ok()
            .filter(|ratio| (0.0..=1.0).contains(ratio))
    });
    ratio.unwrap_or(1.0)
}

pub(super) fn batching(variables: &mut Variables<'_>) -> Batching {
    const QUEUE_SPANS: usize = 100_000_000;
    let queue_spans = variables.number_or("OTEL_BSP_MAX_QUEUE_SIZE", "no bound", 1..=QUEUE_SPANS);
    // Not in the specification, hence `RUST`, which it asks for in such a name.
    let queue_bytes = variables.number(
        "OTEL_RUST_BSP_MAX_QUEUE_BYTES",
        Batching::QUEUE_BYTES,
        Batching::LEAST_QUEUE_BYTES..=Batching::MOST_QUEUE_BYTES,
    );
    let most = queue_spans.unwrap_or(QUEUE_SPANS);
    let batch_spans = variables.number(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        Batching::BATCH_SPANS.min(most),
        1..=most,
    );
    Batching {
        queue_bytes,
        queue_spans,
        batch_spans,
        delay: milliseconds(variables, "OTEL_BSP_SCHEDULE_DELAY", 5_000),
        export_timeout: milliseconds(variables, "OTEL_BSP_EXPORT_TIMEOUT", 30_000),
    }
}

pub(super) fn metric_interval(variables: &mut Variables<'_>) -> Duration {
    milliseconds(variables, "OTEL_METRIC_EXPORT_INTERVAL", 60_000)
}

pub(super) fn limits(variables: &mut Variables<'_>) -> SpanLimits {
    let default = SpanLimits::default();
    let attributes = variables.number(
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        default.max_attributes_per_span,
        COUNT,
    );
    let mut limit = |name, default: u32| variables.number(name, default, COUNT);
    SpanLimits {
        max_attributes_per_span: limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", attributes),
        max_events_per_span: limit("OTEL_SPAN_EVENT_COUNT_LIMIT", default.max_events_per_span),
        max_links_per_span: limit("OTEL_SPAN_LINK_COUNT_LIMIT", default.max_links_per_span),
        max_attributes_per_event: limit("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", attributes),
        max_attributes_per_link: limit("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", attributes),
    }
}

/// The limits of how many there may be.
const COUNT: std::ops::RangeInclusive<u32> = 0..=100_000;

/// The span's own variable goes before the one for all attributes.
pub(super) fn value_limits(variables: &mut Variables<'_>) -> ValueLimits {
    const LONGEST: usize = 1024 * 1024;
    let names = [
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    ];
    let default = ValueLimits::DEFAULT;
    let set = variables.first(names);
    let limit = set.and_then(|(name, _)| variables.number_or(name, default.value, 0..=LONGEST));
    limit.map_or(default, |limit| ValueLimits {
        value: limit,
        stack: limit,
    })
}

fn milliseconds(variables: &mut Variables<'_>, name: &str, default: u64) -> Duration {
    Duration::from_millis(variables.number(name, default, MILLISECONDS))
}
