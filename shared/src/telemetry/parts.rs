//! [`Parts`]: what telemetry is made of, for whoever puts it together.

use opentelemetry::{global, propagation::TextMapCompositePropagator};
use opentelemetry_sdk::{
    metrics::SdkMeterProvider,
    trace::{SdkTracer, SdkTracerProvider},
};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::Targets, layer::Identity, registry::LookupSpan};

use super::{
    EXPORT, adopted,
    export::Export,
    late,
    log::{self, Logs},
    meters, panics,
    sampling::EarlyDecisions,
    settings::Propagators,
    span_layer,
    start::Start,
};
use crate::span::scope;

/// What [`Builder::build`](super::Builder::build) has made, to be put where it belongs: the layers on a `tracing` registry,
/// the rest where [`install`](Self::install) puts it, or where you do.
///
/// ```no_run
/// # #[tokio::main]
/// # async fn main() -> Result<(), shared::telemetry::InitError> {
/// use std::time::Duration;
///
/// use shared::telemetry;
/// use tracing_subscriber::{fmt, layer::SubscriberExt as _, registry, util::SubscriberInitExt as _};
///
/// let (telemetry, parts) = telemetry::builder(shared::service!()).log(false).build()?;
/// registry()
///     .with(fmt::layer()) // the log that was there all along
///     .with(parts.span_layer())
///     .init();
/// parts.install();
/// // ... what the program does ...
/// telemetry.shutdown(Duration::from_secs(5)).await;
/// # Ok(()) }
/// ```
///
/// Several services in one process have a builder each, and give the providers of their parts to their own
/// [`TraceLayer`](crate::server::TraceLayer) and [`TraceMiddleware`](crate::client::TraceMiddleware).
#[derive(Debug)]
#[must_use = "nothing is in its place before `install`"]
pub struct Parts {
    pub(super) provider: Option<SdkTracerProvider>,
    pub(super) tracer: Option<SdkTracer>,
    pub(super) meters: Option<SdkMeterProvider>,
    pub(super) export: Export,
    pub(super) early_decisions: EarlyDecisions,
    pub(super) propagators: Propagators,
    pub(super) span_levels: Targets,
    pub(super) logs: Option<Logs>,
    pub(super) service_name: String,
    /// The line that is logged at the start.
    pub(super) start: Start,
    /// What was ignored of the settings.
    pub(super) warnings: Vec<String>,
    pub(super) panic_hook: bool,
}

impl Parts {
    /// The layer that makes a span of a trace of every `tracing` span from `INFO` up, or from what was set instead. With
    /// `OTEL_SDK_DISABLED=true` it does nothing.
    pub fn span_layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let Some(tracer) = self.tracer.clone() else {
            return nothing();
        };
        scope::adopt_with(adopted::ADOPTION);
        span_layer::layer(tracer, self.span_levels.clone()).boxed()
    }

    /// The layer that writes log lines with trace ids to standard output, as `RUST_LOG` and `LOG_FORMAT` say. Where
    /// [`Builder::log`](super::Builder::log) is false it does nothing.
    pub fn log_layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let Some(logs) = &self.logs else {
            return nothing();
        };
        log::layer(logs, self.service_name.clone()).boxed()
    }

    /// The provider of tracers. None with `OTEL_SDK_DISABLED=true`.
    pub fn tracer_provider(&self) -> Option<&SdkTracerProvider> {
        self.provider.as_ref()
    }

    /// The provider of meters. None unless `OTEL_METRICS_EXPORTER` asks for metrics.
    pub fn meter_provider(&self) -> Option<&SdkMeterProvider> {
        self.meters.as_ref()
    }

    /// The propagator for the headers that `OTEL_PROPAGATORS` names.
    pub fn propagator(&self) -> TextMapCompositePropagator {
        self.propagators.composite()
    }

    /// What of the settings is ignored, a sentence each: for whoever does not [`install`](Self::install), which logs them.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Makes them the process's: the global providers and the global propagator, the panic hook, and what
    /// [`telemetry::spans`](super::spans) counts. Call it when the `tracing` subscriber is set: it logs where spans go, and
    /// what of the settings is ignored.
    pub fn install(self) {
        let propagator = self.propagator();
        if let Some(provider) = self.provider {
            global::set_tracer_provider(provider);
        }
        if let Some(meters) = self.meters {
            global::set_meter_provider(meters);
            meters::enable();
        }
        self.early_decisions.install();
        global::set_text_map_propagator(propagator);
        late::providers_are_set();
        // Of the first, where there are several.
        let _ = EXPORT.set(self.export);
        if self.panic_hook {
            panics::set_hook();
        }
        for warning in self.warnings {
            tracing::warn!("{warning}");
        }
        self.start.log();
    }
}

/// A layer that does nothing. `None`, as a layer, would take an interest in every line and span that there is.
fn nothing<S>() -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    Identity::new().with_filter(LevelFilter::OFF).boxed()
}
