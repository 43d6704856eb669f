//! The process log: its filter and format, and the bridge for records of the `log` crate.

use tracing::{Level, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_log::{AsLog as _, LogTracer};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt as _, ParseError, filter_fn},
    registry::LookupSpan,
};

#[cfg(feature = "serve")]
pub(crate) use super::logs::close;
pub(crate) use super::logs::{CloseOnDrop, flush};
use super::{directives, logs};
use crate::config::{self, ConfigError, Lookup};

/// Filter and format of log lines.
#[derive(Debug)]
pub(super) struct Logs {
    format: logs::Format,
    directives: String,
}

/// Reads `RUST_LOG` and `LOG_FORMAT`.
pub(super) fn read(lookup: Lookup<'_>) -> Result<Logs, ConfigError> {
    let directives = config::text(lookup, "RUST_LOG").unwrap_or_else(|| DEFAULT_FILTER.to_owned());
    if parse(&directives).is_err() {
        return Err(ConfigError {
            variable: "RUST_LOG",
            value: directives,
            expects: "levels such as info or checkout=debug,info",
        });
    }
    let format = config::read(lookup, "LOG_FORMAT", "json", "json or pretty")?;
    Ok(Logs { format, directives })
}

impl Logs {
    /// Returns a warning for a probable mistake in `RUST_LOG`.
    pub(super) fn warning(&self) -> Option<String> {
        directives::warning(&self.directives)
    }
}

/// Creates the layer that writes log lines.
pub(super) fn layer<S>(logs: &Logs, service: String) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let filter = parse(&logs.directives).expect("`read` has parsed the directives");
    // A `tracing` span that only the log layer enables would be `Span::current()` without being part of the
    // trace, so work spawned in that span would lose the trace. Log lines do not include fields of spans, so
    // the log layer needs spans only for directives such as `[name]=debug`.
    let needs_spans = logs.directives.contains('[');
    let is_needed = filter_fn(move |metadata| metadata.is_event() || needs_spans)
        .with_max_level_hint(LevelFilter::TRACE);
    let is_operational = filter_fn(is_operational).with_max_level_hint(LevelFilter::INFO);
    logs::layer(service, logs.format).with_filter(filter.and(is_needed).or(is_operational))
}

/// Turns records of the `log` crate into `tracing` events if they pass the subscriber's filters. If a logger
/// is already set for the `log` crate, that logger is kept.
pub(super) fn bridge() {
    // With this maximum level, a record that no filter accepts costs only one comparison.
    let max_level = LevelFilter::current().as_log();
    let _ = LogTracer::builder().with_max_level(max_level).init();
}

/// The default of `RUST_LOG`. Excludes the `info` events of OpenTelemetry, which do not help to operate a
/// service.
const DEFAULT_FILTER: &str = "info,opentelemetry=warn";

fn parse(directives: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(directives)
}

/// Returns whether an event is always logged, even if `RUST_LOG` excludes it: a panic, a service that cannot
/// run, an ignored setting, lost spans, an unavailable or recovered collector.
fn is_operational(metadata: &Metadata<'_>) -> bool {
    const MODULES: [&str; 2] = [
        concat!(env!("CARGO_CRATE_NAME"), "::telemetry"),
        concat!(env!("CARGO_CRATE_NAME"), "::serve"),
    ];
    let target = metadata.target();
    #[cfg(feature = "otlp")]
    if target == otlp::LOG_TARGET {
        return metadata.is_event();
    }
    // Compares whole module names, because `shared::server` also begins with `shared::serve`.
    let is_within = |rest: &str| rest.is_empty() || rest.starts_with("::");
    let is_own = MODULES
        .iter()
        .any(|module| target.strip_prefix(module).is_some_and(is_within));
    metadata.is_event() && is_own && *metadata.level() <= Level::WARN
}
