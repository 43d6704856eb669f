//! Telemetry of a process, from the `OTEL_*` variables: set up once by [`init`], ended by [`Telemetry::shutdown`].
//!
//! What may be set is in `settings`. Ended spans go to a counter and a batch processor (`export`), then to the exporter
//! (`otlp`, or `console`); a panic goes to the log and to its span (`panics`).

mod console;
mod counts;
mod export;
mod otlp;
mod panics;
mod settings;

use std::{sync::Arc, time::Duration};

use opentelemetry::{global, trace::TracerProvider as _};
use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::SdkMeterProvider,
    trace::{SdkTracer, SdkTracerProvider},
};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    Layer as _, Registry,
    filter::{FilterExt as _, filter_fn},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::{SubscriberInitExt as _, TryInitError},
};

use self::counts::{Counts, RejectedSpans};
use crate::{
    config::{self, ConfigError},
    logs, metrics,
};

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// A variable has a value that cannot be used.
    #[error(transparent)]
    Setting(#[from] ConfigError),
    /// The exporter refused its settings; the message names the variable and the value.
    #[error("cannot set up the exporter: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// The gRPC exporter lives on the runtime that it is set up in.
    #[error("traces are to be exported over gRPC: call `telemetry::init` inside a Tokio runtime")]
    NoRuntime,
    /// `init` was called twice, or somebody else has set the process's `tracing` subscriber.
    #[error("a tracing subscriber is already set: call `telemetry::init` once, before any other")]
    AlreadySet(#[from] TryInitError),
}

/// What became of the spans that this process ended, from its start to now.
///
/// All zero where nothing is exported: with `OTEL_TRACES_EXPORTER=none` or `OTEL_SDK_DISABLED=true`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanCounts {
    /// Spans that ended and were sampled.
    pub ended: u64,
    /// Spans that the collector took; those of a batch that it said it rejected are not among them.
    pub exported: u64,
    /// After [`Telemetry::shutdown`], all that were ended and not exported; before it, those whose export has failed and
    /// those that the collector rejected.
    pub lost: u64,
}

/// The process's telemetry. Keep it until the end and then call [`shutdown`](Self::shutdown): spans wait in a queue for
/// up to five seconds (`OTEL_BSP_SCHEDULE_DELAY`), and a process that just exits takes them with it.
#[derive(Debug)]
#[must_use = "without `shutdown` at the end the last spans are lost"]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
    meters: Option<SdkMeterProvider>,
    counts: Arc<Counts>,
}

/// Sets up traces, metrics, logs, propagation and the panic hook for this process, by its environment variables.
///
/// `service` is the service's name where neither `OTEL_SERVICE_NAME` nor `OTEL_RESOURCE_ATTRIBUTES` gives one. Call it
/// once, first thing in `main`, and inside a Tokio runtime where spans go out over gRPC. A collector that cannot be
/// reached is no error: each failed export is logged, and its spans are counted as lost.
///
/// # Errors
///
/// When a variable has a value that nothing can be used in place of (an endpoint, `LOG_FORMAT`, `RUST_LOG`, a cargo
/// feature that is missing), or a `tracing` subscriber is already set. Any other is replaced, with a warning.
pub fn init(service: &str) -> Result<Telemetry, InitError> {
    let settings = settings::read(&config::variable, service)?;
    let service_name = settings
        .resource
        .get(&opentelemetry::Key::from_static_str(settings::SERVICE_NAME))
        .map_or_else(|| service.to_owned(), |name| name.to_string());

    let counts = Arc::new(Counts::default());
    let exporter = match &settings.traces {
        Some(traces) => traces.exporter.to_string(),
        None => "none: OTEL_SDK_DISABLED".to_owned(),
    };
    let meters = settings
        .metrics
        .map(|metrics| export::meter_provider(metrics, settings.resource.clone()))
        .transpose()?;
    let provider = settings
        .traces
        .map(|traces| export::provider(traces, settings.resource, &counts))
        .transpose()?;
    let spans = provider
        .as_ref()
        .map(|provider| spans(provider.tracer(service_name.clone())));
    let rejected = RejectedSpans::layer(&counts);
    let logs = logs::layer::<Registry>(service_name, settings.log_format)
        .with_filter(settings.log_filter.and(filter_fn(is_not_said_better)));
    // The log layer stands on the bare registry; the order of the two does not matter to either.
    tracing_subscriber::registry()
        .with(logs)
        .with(spans)
        .with(rejected)
        .try_init()?;

    if let Some(provider) = &provider {
        global::set_tracer_provider(provider.clone());
    }
    if let Some(meters) = &meters {
        global::set_meter_provider(meters.clone());
        metrics::enable();
    }
    global::set_text_map_propagator(settings.propagator);
    panics::set_hook();
    for warning in settings.warnings {
        tracing::warn!("{warning}");
    }
    tracing::info!(exporter, "telemetry is set up");
    Ok(Telemetry {
        provider,
        meters,
        counts,
    })
}

impl Telemetry {
    /// What became of the spans so far.
    pub fn spans(&self) -> SpanCounts {
        self.counts.now()
    }

    /// Exports what is still queued and measured, then ends telemetry. Spans that end later are lost without a count, so call it
    /// last: after the server has drained and the tasks are done.
    ///
    /// Takes no longer than `deadline`; what is not exported by then is lost, and counted.
    pub async fn shutdown(self, deadline: Duration) -> SpanCounts {
        let Self {
            provider, meters, ..
        } = self;
        // It blocks, and on a current-thread runtime would wait for itself.
        let flush = crate::task::untracked_blocking(move || {
            let traces = provider.map(|provider| provider.shutdown_with_timeout(deadline));
            let metrics = meters.map(|meters| meters.shutdown_with_timeout(deadline));
            traces.into_iter().chain(metrics).collect::<OTelSdkResult>()
        });
        match tokio::time::timeout(deadline, flush).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "telemetry did not shut down cleanly"),
            Ok(Err(error)) => tracing::warn!(%error, "telemetry did not shut down cleanly"),
            Err(_) => tracing::warn!(?deadline, "telemetry did not shut down in time"),
        }
        self.counts.at_the_end()
    }
}

/// The layer that makes a span of every `tracing` span, with no attribute that nobody asked for.
fn spans<S>(tracer: SdkTracer) -> impl tracing_subscriber::Layer<S>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(|metadata| {
            is_instrumented(metadata) && is_span_or_exception(metadata)
        }))
}

/// What [`init`] does for a process, as far as a test process wants it: spans and panics on them, no log.
#[cfg(feature = "testing")]
pub(crate) fn install_for_tests(tracer: SdkTracer) {
    let subscriber = tracing_subscriber::registry().with(spans(tracer));
    subscriber
        .try_init()
        .expect("the test process has no other tracing subscriber");
    panics::set_hook_before_current();
}

/// Spans from `info` up, but none of the exporter's own HTTP client: it would trace its tracing.
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
    *metadata.level() <= Level::INFO && !OWN.contains(&origin)
}

/// Of a failed export the exporter says that it failed and the processor why; `export` says both, and where to.
fn is_not_said_better(metadata: &Metadata<'_>) -> bool {
    let name = metadata.name();
    name != "BatchSpanProcessor.ExportError" && !name.starts_with("Export.Failed.")
}

/// Log lines stay log lines: copied to spans as well, each `error!` would silently turn its span's status. Only an event
/// that is nothing but an error, as `#[instrument(err)]` makes it, is its span's exception.
fn is_span_or_exception(metadata: &Metadata<'_>) -> bool {
    let fields = metadata.fields();
    metadata.is_span() || (fields.field("error").is_some() && fields.field("message").is_none())
}
