//! The layer that exports `tracing` spans, and records their error events as exceptions.

use opentelemetry_sdk::trace::SdkTracer;
use tracing::{Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::{FilterExt as _, Targets, filter_fn},
    registry::LookupSpan,
};

use super::adopted;

/// Creates the layer that exports `tracing` spans of the given levels, without attributes for the code location and the
/// thread.
pub(super) fn layer<S>(tracer: SdkTracer, levels: Targets) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let wanted = filter_fn(|metadata| is_instrumented(metadata) && is_span_or_exception(metadata));
    let adopted = filter_fn(adopted::is_adopted).with_max_level_hint(LevelFilter::ERROR);
    tracing_opentelemetry::layer()
        .with_tracer(adopted::Tracer::new(tracer))
        .with_location(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        // The level hint lets `tracing` skip disabled levels early. The filter `adopted` comes first, because every
        // request has an adopted span.
        .with_filter(adopted.or(wanted.with_max_level_hint(LevelFilter::TRACE).and(levels)))
}

/// Returns the default levels of exported spans.
pub(super) fn default_levels() -> Targets {
    Targets::new().with_default(LevelFilter::INFO)
}

/// Returns false for the exporter and its HTTP client, which would otherwise trace their own exports.
fn is_instrumented(metadata: &Metadata<'_>) -> bool {
    const OWN: [&str; 9] = [
        "h2",
        "hyper",
        "hyper_util",
        "opentelemetry",
        "opentelemetry-otlp",
        "opentelemetry_sdk",
        "reqwest",
        "tonic",
        "tower",
    ];
    // Compares the whole crate name of the target, not a prefix.
    let target = metadata.target();
    let origin = target.split_once("::").map_or(target, |(origin, _)| origin);
    !OWN.contains(&origin)
}

/// Returns true for spans, and for events with an error and no message, such as those of `#[instrument(err)]`, which
/// become exceptions on their span. Log messages are not copied to spans, since each `error!` would change the status
/// of its span.
fn is_span_or_exception(metadata: &Metadata<'_>) -> bool {
    let fields = metadata.fields();
    metadata.is_span() || (fields.field("error").is_some() && fields.field("message").is_none())
}
