//! Telemetry of a process, from the `OTEL_*` variables: set up once by [`init`], ended by [`Telemetry::shutdown`].
//!
//! What may be set is in `settings`. Ended spans leave by `export`, which is `otlp` or `console`; what became of them is in
//! the books (`counts`), and measured where metrics are on (`meters`). A panic goes to the log and to its span (`panics`).

mod console;
mod counts;
mod export;
mod meters;
mod otlp;
mod panics;
mod settings;
mod texts;

use std::{sync::OnceLock, time::Duration};

use opentelemetry::{global, trace::TracerProvider as _};
use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::{
    metrics::SdkMeterProvider,
    trace::{SdkTracer, SdkTracerProvider},
};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    Layer as _, Registry,
    filter::{FilterExt as _, LevelFilter, filter_fn},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::{SubscriberInitExt as _, TryInitError},
};

pub use self::counts::{LostSpans, SpanCounts};
use self::export::Export;
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
    /// The client that spans are exported with cannot be made.
    #[error("cannot set up the exporter's HTTP client")]
    Client(#[source] reqwest::Error),
    /// The channel that spans are exported over cannot be made.
    #[cfg(feature = "grpc")]
    #[error("cannot set up the exporter's gRPC channel")]
    Channel(#[source] tonic::transport::Error),
    /// The system gives no thread to the exporter.
    #[error("cannot start the exporter's thread")]
    Thread(#[source] std::io::Error),
    /// The gRPC exporter of metrics lives on the runtime that it is set up in.
    #[error("metrics are to be exported over gRPC: call `telemetry::init` inside a Tokio runtime")]
    NoRuntime,
    /// `init` was called twice, or somebody else has set the process's `tracing` subscriber.
    #[error("a tracing subscriber is already set: call `telemetry::init` once, before any other")]
    AlreadySet(#[from] TryInitError),
}

/// The process's telemetry. Keep it until the end and then call [`shutdown`](Self::shutdown): spans wait in a queue for
/// up to five seconds (`OTEL_BSP_SCHEDULE_DELAY`), and a process that just exits takes them with it.
#[derive(Debug)]
#[must_use = "without `shutdown` at the end the last spans are lost"]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
    meters: Option<SdkMeterProvider>,
    export: Export,
    log: logs::FlushOnDrop,
}

/// For those who have no [`Telemetry`] at hand, such as a health endpoint.
static EXPORT: OnceLock<Export> = OnceLock::new();

/// What became of the spans that this process has ended so far: all zero before [`init`].
pub fn spans() -> SpanCounts {
    EXPORT.get().map(Export::counts).unwrap_or_default()
}

/// Sets up traces, metrics, logs, propagation and the panic hook for this process, by its environment variables.
///
/// `service` is the service's name where neither `OTEL_SERVICE_NAME` nor `OTEL_RESOURCE_ATTRIBUTES` gives one. Call it
/// once, first thing in `main`, and inside a Tokio runtime where metrics go out over gRPC. A collector that cannot be
/// reached is no error: spans wait for it, up to 32 MiB of them (`OTEL_RUST_BSP_MAX_QUEUE_BYTES`), and the log says so.
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

    let exporter = match &settings.traces {
        Some(traces) => traces.exporter.to_string(),
        None => "none: OTEL_SDK_DISABLED".to_owned(),
    };
    let meters = settings
        .metrics
        .map(|metrics| export::meter_provider(&metrics, settings.resource.clone()))
        .transpose()?;
    let (provider, export) = match settings.traces {
        Some(traces) => {
            let (provider, export) = export::provider(traces, settings.resource)?;
            (Some(provider), export)
        }
        None => (None, Export::Nowhere),
    };
    let spans = provider
        .as_ref()
        .map(|provider| span_layer(provider.tracer(service_name.clone())));
    let must_be_heard = filter_fn(must_be_heard).with_max_level_hint(LevelFilter::INFO);
    let logs = logs::layer::<Registry>(service_name, settings.log_format)
        .with_filter(settings.log_filter.or(must_be_heard));
    // The log layer stands on the bare registry; the order of the two does not matter to either.
    tracing_subscriber::registry()
        .with(logs)
        .with(spans)
        .try_init()?;

    if let Some(provider) = &provider {
        global::set_tracer_provider(provider.clone());
    }
    if let Some(meters) = &meters {
        global::set_meter_provider(meters.clone());
        metrics::enable();
        meters::observe(&export);
    }
    // Once a process, as the subscriber above.
    let _ = EXPORT.set(export.clone());
    global::set_text_map_propagator(settings.propagator);
    panics::set_hook();
    for warning in settings.warnings {
        tracing::warn!("{warning}");
    }
    tracing::info!(exporter, "telemetry is set up");
    Ok(Telemetry {
        provider,
        meters,
        export,
        log: logs::FlushOnDrop,
    })
}

impl Telemetry {
    /// What became of the spans so far.
    pub fn spans(&self) -> SpanCounts {
        self.export.counts()
    }

    /// Exports what waits and what was measured, side by side, then ends telemetry. Call it last: after the server has
    /// drained and the tasks are done. A span that ends later is lost, and counted for as long as somebody asks.
    ///
    /// Takes no longer than `deadline` and a moment; what is not exported by then is lost, and counted. A collector that
    /// is not there is asked for all that time, unless it has asked for more: it may be on its way.
    pub async fn shutdown(self, deadline: Duration) -> SpanCounts {
        let Self {
            provider,
            meters,
            export,
            log,
        } = self;
        let books = export.clone();
        let deadline = deadline.min(LONGEST);
        let end = tokio::time::Instant::now() + deadline + A_MOMENT;
        // They block, and on a current-thread runtime would wait for themselves.
        let traces = crate::task::untracked_blocking(move || {
            // Before its provider, which would lose without a count what ends meanwhile.
            export.close(deadline);
            provider.map(|provider| provider.shutdown_with_timeout(deadline));
        });
        let metrics = crate::task::untracked_blocking(move || {
            meters.map_or(Ok(()), |meters| meters.shutdown_with_timeout(deadline))
        });
        if tokio::time::timeout_at(end, traces).await.is_err() {
            tracing::warn!(?deadline, "traces did not shut down in time");
        }
        match tokio::time::timeout_at(end, metrics).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "metrics did not shut down cleanly"),
            Ok(Err(error)) => tracing::warn!(%error, "metrics did not shut down cleanly"),
            Err(_) => tracing::warn!(?deadline, "metrics did not shut down in time"),
        }
        drop(log);
        books.counts()
    }
}

/// For the last words of those who were told to end.
const A_MOMENT: Duration = Duration::from_secs(1);
/// For whoever gives it all the time there is.
const LONGEST: Duration = Duration::from_hours(24);

/// The layer that makes a span of every `tracing` span, with no attribute that nobody asked for.
fn span_layer<S>(tracer: SdkTracer) -> impl tracing_subscriber::Layer<S>
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
    let subscriber = tracing_subscriber::registry().with(span_layer(tracer));
    subscriber
        .try_init()
        .expect("the recorder is the only global `tracing` subscriber of the test process");
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
