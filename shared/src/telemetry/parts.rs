//! [`Parts`]: layers, providers and the propagator, to be assembled by hand.

use opentelemetry::{global, propagation::TextMapCompositePropagator};
use opentelemetry_sdk::{
    metrics::SdkMeterProvider,
    trace::{SdkTracer, SdkTracerProvider},
};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::Targets, layer::Identity, registry::LookupSpan};

#[cfg(feature = "logs")]
use super::log::{self, Logs};
#[cfg(feature = "otlp")]
use super::meters;
use super::{
    EXPORT, adopted, deferred, export::Export, panics, sampling::EarlyDecisions,
    settings::Propagators, span_layer, start::Start,
};
use crate::span::scope;

/// The parts of telemetry that [`Builder::build`](super::Builder::build) creates. Add the layers to a
/// `tracing` registry, then call [`install`](Self::install) to set the global providers, propagator and panic
/// hook, or set these yourself.
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
///     .with(fmt::layer()) // the existing log
///     .with(parts.span_layer())
///     .init();
/// parts.install();
/// // ... what the program does ...
/// telemetry.shutdown(Duration::from_secs(5)).await;
/// # Ok(()) }
/// ```
///
/// If one process runs several services, use a builder for each service, and pass the providers of its parts
/// to the service's own [`TraceLayer`](crate::server::TraceLayer) and
/// [`TraceMiddleware`](crate::client::TraceMiddleware).
#[derive(Debug)]
#[must_use = "parts have no effect before `install`"]
pub struct Parts {
    pub(super) provider: Option<SdkTracerProvider>,
    pub(super) tracer: Option<SdkTracer>,
    pub(super) meters: Option<SdkMeterProvider>,
    pub(super) export: Export,
    pub(super) early_decisions: EarlyDecisions,
    pub(super) propagators: Propagators,
    pub(super) span_levels: Targets,
    #[cfg(feature = "logs")]
    pub(super) logs: Option<Logs>,
    #[cfg(feature = "logs")]
    pub(super) service_name: String,
    /// The log line that describes the telemetry configuration at start-up.
    pub(super) start: Start,
    /// Descriptions of ignored settings.
    pub(super) warnings: Vec<String>,
    pub(super) panic_hook: bool,
}

impl Parts {
    /// Creates the layer that turns `tracing` spans into spans of a trace, if they have at least the level
    /// `INFO` or the configured level. The layer does nothing with `OTEL_SDK_DISABLED=true`.
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

    /// Creates the layer that writes log lines with trace ids to standard output, configured by `RUST_LOG`
    /// and `LOG_FORMAT`. The layer does nothing if [`Builder::log`](super::Builder::log) is false.
    pub fn log_layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        #[cfg(feature = "logs")]
        if let Some(logs) = &self.logs {
            return log::layer(logs, self.service_name.clone()).boxed();
        }
        nothing()
    }

    /// Returns the tracer provider, or `None` with `OTEL_SDK_DISABLED=true`.
    pub fn tracer_provider(&self) -> Option<&SdkTracerProvider> {
        self.provider.as_ref()
    }

    /// Returns the meter provider, or `None` unless `OTEL_METRICS_EXPORTER` enables metrics.
    pub fn meter_provider(&self) -> Option<&SdkMeterProvider> {
        self.meters.as_ref()
    }

    /// Returns the propagator for the formats in `OTEL_PROPAGATORS`.
    pub fn propagator(&self) -> TextMapCompositePropagator {
        self.propagators.composite()
    }

    /// Returns a warning for each ignored setting. [`install`](Self::install) logs these warnings; if you do
    /// not call `install`, log them yourself.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Sets the global providers and the global propagator, installs the panic hook, and selects the spans
    /// that [`telemetry::spans`](super::spans) counts. Call `install` after the `tracing` subscriber is set,
    /// because `install` logs the start-up line and ignored settings.
    pub fn install(self) {
        let propagator = self.propagator();
        if let Some(provider) = self.provider {
            global::set_tracer_provider(provider);
        }
        if let Some(meters) = self.meters {
            global::set_meter_provider(meters);
            #[cfg(feature = "otlp")]
            meters::enable();
        }
        self.early_decisions.install();
        global::set_text_map_propagator(propagator);
        deferred::providers_are_set();
        // If a process installs several services, `telemetry::spans` counts the spans of the first service.
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

/// Returns a layer that does nothing. A layer of type `Option` that is `None` would enable every event and
/// span.
fn nothing<S>() -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    Identity::new().with_filter(LevelFilter::OFF).boxed()
}
