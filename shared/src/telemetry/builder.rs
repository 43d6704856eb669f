//! [`Builder`]: what the code has to say about telemetry, beside the environment. It ends in [`Parts`].

use std::fmt;

use opentelemetry::{Key, trace::TracerProvider as _};
use opentelemetry_sdk::trace::{BatchSpanProcessor, ShouldSample, SpanExporter, SpanProcessor};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{layer::SubscriberExt as _, registry::LookupSpan};

use super::{
    InitError, Parts, Service, Telemetry,
    export::{self, Export},
    lifecycle::Live,
    log, meters, otlp,
    processors::Contained,
    sampling::EarlyDecisions,
    settings::{self, Code},
    span_layer,
    start::Start,
};
use crate::{config, semconv};

/// Telemetry that is to be set up, with wishes that no environment variable can express. [`builder`](super::builder) makes
/// one, [`init`](Self::init), [`init_on`](Self::init_on) or [`build`](Self::build) ends it.
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
#[must_use = "it sets up nothing until `init`, `init_on` or `build` ends it"]
pub struct Builder {
    code: Code,
    /// The caller's own processors, which see spans even with `OTEL_TRACES_EXPORTER=none`.
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

    /// Decides which traces are recorded, in place of `OTEL_TRACES_SAMPLER`; that the variable is set without effect is told
    /// in a warning.
    pub fn sampler(mut self, sampler: impl Into<Box<dyn ShouldSample>>) -> Self {
        self.code.sampler = Some(sampler.into());
        self
    }

    /// Makes `tracing` spans from this level up spans of a trace. Default: `INFO`. The levels that are set in
    /// `OTEL_RUST_SPAN_LEVEL` go before it. Log lines have levels of their own, in `RUST_LOG`.
    pub fn span_level(mut self, level: impl Into<LevelFilter>) -> Self {
        self.code.span_levels = self.code.span_levels.with_default(level);
        self
    }

    /// The same for the spans of one target, which is a module's path or the beginning of one: the details of one crate
    /// without those of all.
    pub fn span_level_of(
        mut self,
        target: impl Into<String>,
        level: impl Into<LevelFilter>,
    ) -> Self {
        self.code.span_levels = self.code.span_levels.with_target(target, level);
        self
    }

    /// Shows every span to this processor too, before it is exported: to add attributes when it starts, to count, to look.
    /// It is called where the span starts and ends, so it must not block. What it does is in none of the books
    /// ([`SpanCounts`](super::SpanCounts)).
    pub fn span_processor(mut self, processor: impl SpanProcessor + 'static) -> Self {
        self.processors.push(Box::new(processor));
        self
    }

    /// Exports the sampled spans by this exporter too, from a thread of its own, beside where `OTEL_TRACES_EXPORTER` sends
    /// them (`none` sends them here alone).
    ///
    /// That is the SDK's batch processor, with its `OTEL_BSP_*`: it drops what does not fit, it does not keep spans for an
    /// exporter that fails, and at the end it has what the way of `OTEL_TRACES_EXPORTER` leaves of the deadline, and a
    /// second. What becomes of these spans is in none of the books, which count every span once. Values are not cut, and
    /// errors not redacted. For another way, such as a file at once, make it a [`span_processor`](Self::span_processor).
    pub fn span_exporter(self, exporter: impl SpanExporter + 'static) -> Self {
        let processor = BatchSpanProcessor::builder(Contained(exporter)).build();
        self.span_processor(processor)
    }

    /// Whether a hook of ours logs panics and records them on their spans. Default: true; a hook that is there already is
    /// called after it. False leaves the one that is there as it is.
    pub fn panic_hook(mut self, set: bool) -> Self {
        self.panic_hook = set;
        self
    }

    /// Whether there are log lines of ours, as `RUST_LOG` and `LOG_FORMAT` say. Default: true. Without them nobody hears
    /// of a setting that is ignored or of spans that are lost, unless a layer of one's own writes them.
    pub fn log(mut self, write: bool) -> Self {
        self.code.logs = write;
        self
    }

    /// Sets up telemetry for this process, as [`telemetry::init`](super::init) does.
    ///
    /// # Errors
    ///
    /// Those of [`telemetry::init`](super::init).
    pub fn init(self) -> Result<Telemetry, InitError> {
        self.init_on(tracing_subscriber::registry())
    }

    /// The same, with our layers on top of a subscriber that has others: a registry with layers of one's own.
    ///
    /// Each of our layers has its own filter. A filter that is a layer of its own, as `registry().with(EnvFilter)` makes it,
    /// holds for ours as well.
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
    /// Those of [`telemetry::init`](super::init).
    pub fn init_on<S>(self, subscriber: S) -> Result<Telemetry, InitError>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync + 'static,
    {
        let (telemetry, parts) = self.build()?;
        let subscriber = subscriber.with(parts.log_layer()).with(parts.span_layer());
        tracing::subscriber::set_global_default(subscriber)?;
        log::bridge();
        parts.install();
        Ok(telemetry)
    }

    /// Makes everything and sets nothing that is global: for a process that puts the parts together itself, or has
    /// several services, each with providers of its own. See [`Parts`].
    ///
    /// # Errors
    ///
    /// Those of [`telemetry::init`](super::init), except that no subscriber can be in the way.
    pub fn build(self) -> Result<(Telemetry, Parts), InitError> {
        let service_name = self.code.service.name().to_owned();
        let settings = settings::read(&config::variable, self.code)?;
        let service_name = settings
            .resource
            .get(&Key::from_static_str(semconv::SERVICE_NAME))
            .map_or(service_name, |name| name.to_string());
        let start = Start::new(&settings);
        let meters = settings
            .metrics
            .map(|metrics| otlp::meter_provider(&metrics, settings.resource.clone()))
            .transpose()?;
        let is_watched = !self.processors.is_empty();
        let (provider, processors, export, early_decisions) = match settings.traces {
            Some(traces) => {
                let sampling = traces.sampling.clone();
                let (provider, processors, export) =
                    export::provider(self.processors, traces, settings.resource)?;
                let early_decisions = match (&export, sampling) {
                    (_, None) => EarlyDecisions::Unknown,
                    (Export::Nowhere, _) if !is_watched => EarlyDecisions::NoReaders,
                    (_, Some(sampling)) => EarlyDecisions::Sampling(sampling),
                };
                (Some(provider), processors, export, early_decisions)
            }
            None => (None, None, Export::Nowhere, EarlyDecisions::NoSpans),
        };
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
            logs: settings.logs,
            service_name,
            start,
            warnings: settings.warnings,
            panic_hook: self.panic_hook,
        };
        let live = Live {
            provider,
            processors,
            meters,
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
