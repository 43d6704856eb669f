//! The two `tracing` layers, spans and log, and what goes to which.

use opentelemetry_sdk::trace::SdkTracer;
use tracing::{Level, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::{FilterExt as _, Targets, filter_fn},
    registry::LookupSpan,
};

use super::{otlp, settings::Logs};
use crate::logs;

/// The layer that makes a span of every `tracing` span from its level up, with no attribute that nobody asked for.
pub(super) fn spans<S>(tracer: SdkTracer, levels: Targets) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let wanted = filter_fn(|metadata| is_instrumented(metadata) && is_span_or_exception(metadata));
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        // The hint lets the levels have theirs, without which nothing below them could be skipped at once.
        .with_filter(wanted.with_max_level_hint(LevelFilter::TRACE).and(levels))
}

/// What becomes a span where nobody says otherwise.
pub(super) fn default_levels() -> Targets {
    Targets::new().with_default(LevelFilter::INFO)
}

/// The layer that writes log lines.
pub(super) fn log<S>(service: String, settings: &Logs) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let must_be_heard = filter_fn(must_be_heard).with_max_level_hint(LevelFilter::INFO);
    logs::layer::<S>(service, settings.format).with_filter(settings.filter().or(must_be_heard))
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

/// What an operator must hear whatever `RUST_LOG` says: a panic, a service that cannot run, a setting that is ignored, spans
/// that are lost, a collector that is away and one that is back.
fn must_be_heard(metadata: &Metadata<'_>) -> bool {
    const OURS: [&str; 2] = [
        concat!(env!("CARGO_CRATE_NAME"), "::telemetry"),
        concat!(env!("CARGO_CRATE_NAME"), "::serve"),
    ];
    let target = metadata.target();
    let ours = OURS.iter().any(|module| target.starts_with(module));
    metadata.is_event() && ours && (*metadata.level() <= Level::WARN || target == otlp::JOURNAL)
}

/// Log lines stay log lines: copied to spans as well, each `error!` would silently turn its span's status. Only an event
/// that is nothing but an error, as `#[instrument(err)]` makes it, is its span's exception.
fn is_span_or_exception(metadata: &Metadata<'_>) -> bool {
    let fields = metadata.fields();
    metadata.is_span() || (fields.field("error").is_some() && fields.field("message").is_none())
}
