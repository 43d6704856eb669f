//! Reads the sampler and the span limits from environment variables.

use ::otlp::{Limit, ValueLimits};
use opentelemetry_sdk::trace::{Sampler, ShouldSample, SpanLimits};

use super::variables::Variables;
use crate::telemetry::sampling::Sampling;

pub(super) fn sampling(variables: &mut Variables<'_>) -> Sampling {
    const DEFAULT: &str = "parentbased_always_on";
    const ALLOWED: &str = "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or \
                           parentbased_traceidratio";
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
        "traceidratio" => {
            let ratio = ratio(variables);
            (is_parent_based, Sampler::TraceIdRatioBased(ratio))
        }
        _ => {
            variables.unusable("OTEL_TRACES_SAMPLER", &value, ALLOWED, DEFAULT);
            (true, Sampler::AlwaysOn)
        }
    };
    if !matches!(root, Sampler::TraceIdRatioBased(_))
        && variables.text("OTEL_TRACES_SAMPLER_ARG").is_some()
    {
        variables.warn(
            "OTEL_TRACES_SAMPLER_ARG has no effect: set OTEL_TRACES_SAMPLER to traceidratio or parentbased_traceidratio"
                .to_owned(),
        );
    }
    Sampling {
        is_parent_based,
        root,
    }
}

/// Returns the custom sampler of the program, and warns if environment variables select a sampler, too.
pub(super) fn replaced_sampler(
    variables: &mut Variables<'_>,
    sampler: Box<dyn ShouldSample>,
) -> Box<dyn ShouldSample> {
    for name in ["OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"] {
        if variables.text(name).is_some() {
            variables.warn(format!(
                "{name} has no effect: the program sets its own sampler"
            ));
        }
    }
    sampler
}

fn ratio(variables: &mut Variables<'_>) -> f64 {
    let ratio = variables.parse(
        "OTEL_TRACES_SAMPLER_ARG",
        "1.0",
        "a number from 0.0 to 1.0",
        |value| {
            let ratio = value.parse().ok();
            ratio.filter(|ratio| (0.0..=1.0).contains(ratio))
        },
    );
    ratio.unwrap_or(1.0)
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

/// The allowed range of the limits on the number of attributes, events and links.
const COUNT: std::ops::RangeInclusive<u32> = 0..=100_000;

/// Returns the length limits of attribute values. The variable for span attributes takes precedence over the
/// variable for all attributes.
pub(super) fn value_limits(variables: &mut Variables<'_>) -> ValueLimits {
    const LONGEST: usize = 1024 * 1024;
    let names = [
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    ];
    let limit = variables.first_number(&names, 4096, 0..=LONGEST);
    limit.map_or_else(ValueLimits::default, |limit| ValueLimits {
        value: Limit::Characters(limit),
        stack: Limit::Characters(limit),
    })
}
