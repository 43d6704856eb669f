//! [`Builder`]: telemetry options that are set in code, in addition to the environment variables. The builder
//! creates [`Parts`].

use std::fmt;

use opentelemetry::{Key, trace::TracerProvider as _};
use opentelemetry_sdk::trace::{BatchSpanProcessor, ShouldSample, SpanExporter, SpanProcessor};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{layer::SubscriberExt as _, registry::LookupSpan};

#[cfg(feature = "logs")]
use super::log;
#[cfg(feature = "otlp")]
use super::meters;
use super::{
    InitError, Parts, Service, Telemetry,
    export::Export,
    lifecycle::Live,
    processors::Contained,
    provider::provider,
    sampling::EarlyDecisions,
    settings::{self, Code},
    span_layer,
    start::Start,
};
use crate::{config, internal::semconv};

/// Configures telemetry with options that no environment variable can express. Create it with
/// [`builder`](super::builder) and finish with [`init`](Self::init), [`init_on`](Self::init_on) or
/// [`build`](Self::build).
///
/// ```no_run
/// # fn main() -> Result<(), shared::telemetry::InitError> {
/// use shared::{opentelemetry_sdk::trace::Sampler, telemetry};
///
/// let telemetry = telemetry::builder(shared::service!())
///     .sampler(Sampler::TraceIdRatioBased(0.1))
///     .panic_hook(false)
///     .init()?;
/// # Ok(()) }
/// ```
#[must_use = "a builder has no effect until `init`, `init_on` or `build` is called"]
pub struct Builder {
    code: Code,
    /// Custom span processors, which receive spans even with `OTEL_TRACES_EXPORTER=none`.
    processors: Vec<Box<dyn SpanProcessor>>,
    panic_hook: bool,
}

impl Builder {
    pub(super) fn new(service: Service) -> Self {
        Self {
            code: Code {
                service,
                span_levels: span_layer::default_levels(),
                sampler: None,
                logs: true,
            },
            processors: Vec::new(),
            panic_hook: true,
        }
    }

    /// Sets the sampler, which overrides `OTEL_TRACES_SAMPLER`. If that variable is set, a warning reports
    /// that the variable is ignored.
    pub fn sampler(mut self, sampler: impl Into<Box<dyn ShouldSample>>) -> Self {
        self.code.sampler = Some(sampler.into());
        self
    }

    /// Sets the minimum level of the `tracing` spans that become spans of a trace. Defaults to `INFO`. Levels
    /// in `OTEL_RUST_SPAN_LEVEL` take precedence. The levels of log lines are set separately, in `RUST_LOG`.
    pub fn span_level(mut self, level: impl Into<LevelFilter>) -> Self {
        self.code.span_levels = self.code.span_levels.with_default(level);
        self
    }

    /// Like [`span_level`](Self::span_level), but for the spans of one target, which is a module path or the
    /// beginning of a module path. Use this method to record the details of one crate without those of all
    /// other crates.
    pub fn span_level_for(
        mut self,
        target: impl Into<String>,
        level: impl Into<LevelFilter>,
    ) -> Self {
        self.code.span_levels = self.code.span_levels.with_target(target, level);
        self
    }

    /// The former name of [`span_level_for`](Self::span_level_for).
    #[deprecated = "renamed to `span_level_for`"]
    pub fn span_level_of(self, target: impl Into<String>, level: impl Into<LevelFilter>) -> Self {
        self.span_level_for(target, level)
    }

    /// Adds a span processor, which receives every span before the export, and can add attributes at the
    /// start, count spans or inspect them. The processor runs on the thread that starts or ends the span, so
    /// it must not block. [`SpanCounts`](super::SpanCounts) do not include spans that the processor exports.
    pub fn span_processor(mut self, processor: impl SpanProcessor + 'static) -> Self {
        self.processors.push(Box::new(processor));
        self
    }

    /// Adds an exporter for sampled spans, in addition to `OTEL_TRACES_EXPORTER` (set that variable to `none`
    /// to use only this exporter). The exporter runs on a dedicated thread.
    ///
    /// The SDK's batch processor calls the exporter. The batch processor reads `OTEL_BSP_*`, drops spans that
    /// exceed its queue, and does not retry. On shutdown, the exporter of `OTEL_TRACES_EXPORTER` is shut down
    /// first; the added exporter has the rest of the deadline plus one second.
    /// [`SpanCounts`](super::SpanCounts) do not include the results of the added exporter, because every span
    /// is counted only once. The added exporter receives values that are not truncated and errors that are
    /// not redacted. To export in another way, such as writing each span to a file immediately, use a
    /// [`span_processor`](Self::span_processor).
    pub fn span_exporter(self, exporter: impl SpanExporter + 'static) -> Self {
        let processor = BatchSpanProcessor::builder(Contained(exporter)).build();
        self.span_processor(processor)
    }

    /// Sets whether to install a panic hook that logs panics and records them on their spans. Defaults to
    /// true. An existing custom hook is called afterwards. If `set` is false, the existing hook is kept.
    pub fn panic_hook(mut self, set: bool) -> Self {
        self.panic_hook = set;
        self
    }

    /// Sets whether to write log lines, configured by `RUST_LOG` and `LOG_FORMAT`. Defaults to true. If
    /// `write` is false, ignored settings and lost spans are only reported if another `tracing` layer writes
    /// these events.
    pub fn log(mut self, write: bool) -> Self {
        self.code.logs = write;
        self
    }

    /// Initializes telemetry for this process like [`telemetry::init`](super::init).
    ///
    /// # Errors
    ///
    /// Fails like [`telemetry::init`](super::init).
    pub fn init(self) -> Result<Telemetry, InitError> {
        self.init_on(tracing_subscriber::registry())
    }

    /// Like [`init`](Self::init), but adds the span layer and the log layer to an existing subscriber, such
    /// as a registry with custom layers.
    ///
    /// Each added layer has its own filter. A global filter in the subscriber, such as
    /// `registry().with(EnvFilter)`, also applies to the added layers.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), shared::telemetry::InitError> {
    /// use shared::telemetry;
    /// use tracing_subscriber::{Layer as _, filter::LevelFilter, fmt, layer::SubscriberExt as _, registry};
    ///
    /// let mine = fmt::layer().with_writer(std::io::stderr).with_filter(LevelFilter::WARN);
    /// let telemetry = telemetry::builder(shared::service!()).init_on(registry().with(mine))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails like [`telemetry::init`](super::init).
    pub fn init_on<S>(self, subscriber: S) -> Result<Telemetry, InitError>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync + 'static,
    {
        let (telemetry, parts) = self.build()?;
        let subscriber = subscriber.with(parts.log_layer()).with(parts.span_layer());
        tracing::subscriber::set_global_default(subscriber)?;
        #[cfg(feature = "logs")]
        log::bridge();
        parts.install();
        Ok(telemetry)
    }

    /// Builds telemetry without setting anything global. Use this method in a process that assembles the
    /// [`Parts`] itself, or that has several services, each with its own providers.
    ///
    /// # Errors
    ///
    /// Fails like [`telemetry::init`](super::init), but never because a subscriber is already set.
    pub fn build(self) -> Result<(Telemetry, Parts), InitError> {
        let service_name = self.code.service.name().to_owned();
        let settings = settings::read(&config::variable, self.code)?;
        let service_name = settings
            .resource
            .get(&Key::from_static_str(semconv::SERVICE_NAME))
            .map_or(service_name, |name| name.to_string());
        let start = Start::new(&settings);
        #[cfg(feature = "otlp")]
        let meters = settings
            .metrics
            .map(|metrics| meters::provider(metrics, settings.resource.clone()))
            .transpose()?;
        #[cfg(not(feature = "otlp"))]
        let meters = None;
        let is_watched = !self.processors.is_empty();
        let (provider, processors, export, early_decisions) = match settings.traces {
            Some(traces) => {
                let sampling = traces.sampling.clone();
                let (provider, processors, export) =
                    provider(self.processors, traces, settings.resource)?;
                let early_decisions = match (&export, sampling) {
                    (_, None) => EarlyDecisions::Unknown,
                    (Export::Nowhere, _) if !is_watched => EarlyDecisions::NoReaders,
                    (_, Some(sampling)) => EarlyDecisions::Sampling(sampling),
                };
                (Some(provider), processors, export, early_decisions)
            }
            None => (None, None, Export::Nowhere, EarlyDecisions::NoSpans),
        };
        #[cfg(feature = "otlp")]
        if let Some(meters) = &meters {
            meters::observe(&export, meters);
        }
        let parts = Parts {
            tracer: provider
                .as_ref()
                .map(|provider| provider.tracer(service_name.clone())),
            provider: provider.clone(),
            meters: meters.clone(),
            export: export.clone(),
            early_decisions,
            propagators: settings.propagators,
            span_levels: settings.span_levels,
            #[cfg(feature = "logs")]
            logs: settings.logs,
            #[cfg(feature = "logs")]
            service_name,
            start,
            warnings: settings.warnings,
            panic_hook: self.panic_hook,
        };
        let live = Live {
            provider,
            processors,
            meters,
            #[cfg(feature = "logs")]
            log: log::CloseOnDrop::new(),
        };
        let telemetry = Telemetry {
            live: Some(live),
            export,
        };
        Ok((telemetry, parts))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = &self.code.service;
        f.debug_struct("Builder")
            .field("service", service)
            .finish_non_exhaustive()
    }
}
