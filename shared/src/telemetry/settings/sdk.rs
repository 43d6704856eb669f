//! The SDK's own variables: sampler, batches, limits.

use std::{fmt::Display, str::FromStr, time::Duration};

use opentelemetry_sdk::trace::{
    BatchConfig, BatchConfigBuilder, OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE_DEFAULT, OTEL_BSP_MAX_QUEUE_SIZE,
    OTEL_BSP_MAX_QUEUE_SIZE_DEFAULT, OTEL_BSP_SCHEDULE_DELAY, OTEL_BSP_SCHEDULE_DELAY_DEFAULT,
    Sampler, SpanLimits,
};

use super::variables::Variables;

pub(super) fn sampler(variables: &mut Variables<'_>) -> Sampler {
    const DEFAULT: &str = "parentbased_always_on";
    let value = variables.text("OTEL_TRACES_SAMPLER");
    let value = value.unwrap_or_else(|| DEFAULT.to_owned());
    let name = value.to_ascii_lowercase();
    let (parent_based, root) = match name.strip_prefix("parentbased_") {
        Some(root) => (true, root),
        None => (false, name.as_str()),
    };
    let root = match root {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatioBased(ratio(variables)),
        _ => {
            variables.unusable("OTEL_TRACES_SAMPLER", &value, DEFAULT);
            return Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
        }
    };
    if parent_based {
        Sampler::ParentBased(Box::new(root))
    } else {
        root
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

pub(super) fn batch(variables: &mut Variables<'_>) -> BatchConfig {
    let queue = positive(
        variables,
        OTEL_BSP_MAX_QUEUE_SIZE,
        OTEL_BSP_MAX_QUEUE_SIZE_DEFAULT,
    );
    let default_size = OTEL_BSP_MAX_EXPORT_BATCH_SIZE_DEFAULT.min(queue);
    let size = variables.parse(OTEL_BSP_MAX_EXPORT_BATCH_SIZE, default_size, |value| {
        value.parse().ok().filter(|size| (1..=queue).contains(size))
    });
    let delay = positive(
        variables,
        OTEL_BSP_SCHEDULE_DELAY,
        OTEL_BSP_SCHEDULE_DELAY_DEFAULT.as_millis(),
    );
    BatchConfigBuilder::default()
        .with_max_queue_size(queue)
        .with_max_export_batch_size(size.unwrap_or(default_size))
        .with_scheduled_delay(milliseconds(delay))
        .build()
}

pub(super) fn metric_interval(variables: &mut Variables<'_>) -> Duration {
    milliseconds(positive(variables, "OTEL_METRIC_EXPORT_INTERVAL", 60_000))
}

pub(super) fn limits(variables: &mut Variables<'_>) -> SpanLimits {
    let mut limit = |name, default: u32| {
        let limit = variables.parse(name, default, |value| value.parse().ok());
        limit.unwrap_or(default)
    };
    let default = SpanLimits::default();
    SpanLimits {
        max_attributes_per_span: limit(
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            default.max_attributes_per_span,
        ),
        max_events_per_span: limit("OTEL_SPAN_EVENT_COUNT_LIMIT", default.max_events_per_span),
        max_links_per_span: limit("OTEL_SPAN_LINK_COUNT_LIMIT", default.max_links_per_span),
        max_attributes_per_event: limit(
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
            default.max_attributes_per_event,
        ),
        max_attributes_per_link: limit(
            "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
            default.max_attributes_per_link,
        ),
    }
}

pub(super) fn milliseconds(number: u128) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or(u64::MAX))
}

/// A whole number above zero.
pub(super) fn positive<N: FromStr + Default + Display + PartialOrd + Copy>(
    variables: &mut Variables<'_>,
    name: &str,
    default: N,
) -> N {
    let number = variables.parse(name, default, |value| {
        value.parse().ok().filter(|number| *number > N::default())
    });
    number.unwrap_or(default)
}
