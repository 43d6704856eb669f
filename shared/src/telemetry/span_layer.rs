//! The layer that makes spans of a trace: of which `tracing` spans, and of which events their exceptions.

use opentelemetry_sdk::trace::SdkTracer;
use tracing::{Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::{FilterExt as _, Targets, filter_fn},
    registry::LookupSpan,
};

use super::adopted;

/// The layer that makes a span of every `tracing` span from its level up, with no attribute that nobody asked for.
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
        // Without a hint, nothing below the levels could be skipped at once.
        .with_filter(
            wanted
                .with_max_level_hint(LevelFilter::TRACE)
                .and(levels)
                .or(adopted),
        )
}

/// What becomes a span where nobody says otherwise.
pub(super) fn default_levels() -> Targets {
    Targets::new().with_default(LevelFilter::INFO)
}

/// None of the exporter's own HTTP client: it would trace its tracing.
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
    // The crate, and not whatever begins like it.
    let target = metadata.target();
    let origin = target.split_once("::").map_or(target, |(origin, _)| origin);
    !OWN.contains(&origin)
}

/// Log lines stay log lines: copied to spans as well, each `error!` would silently turn its span's status. Only an event
/// that is nothing but an error, as `#[instrument(err)]` makes it, is its span's exception.
fn is_span_or_exception(metadata: &Metadata<'_>) -> bool {
    let fields = metadata.fields();
    metadata.is_span() || (fields.field("error").is_some() && fields.field("message").is_none())
}
