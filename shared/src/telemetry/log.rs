//! The log of a process: which lines are written and how, and the records of the `log` crate among them.

use tracing::{Level, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_log::{AsLog as _, LogTracer};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt as _, ParseError, filter_fn},
    registry::LookupSpan,
};

use super::{directives, otlp};
#[cfg(feature = "serve")]
pub(crate) use crate::logs::close;
pub(crate) use crate::logs::{CloseOnDrop, flush};
use crate::{
    config::{self, ConfigError, Lookup},
    logs,
};

/// Which lines are written, and how.
#[derive(Debug)]
pub(super) struct Logs {
    format: logs::Format,
    directives: String,
}

/// What the environment says of the log.
pub(super) fn read(lookup: Lookup<'_>) -> Result<Logs, ConfigError> {
    let directives = config::text(lookup, "RUST_LOG").unwrap_or_else(|| LOG_FILTER.to_owned());
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
    /// What is probably a mistake in `RUST_LOG`.
    pub(super) fn warning(&self) -> Option<String> {
        directives::warning(&self.directives)
    }
}

/// The layer that writes log lines.
pub(super) fn layer<S>(logs: &Logs, service: String) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let filter = parse(&logs.directives).expect("they were parsed when they were read");
    let must_be_heard = filter_fn(must_be_heard).with_max_level_hint(LevelFilter::INFO);
    logs::layer::<S>(service, logs.format).with_filter(filter.or(must_be_heard))
}

/// Makes an event of every record that passes the subscriber's filters. Whoever has set a logger before keeps it.
pub(super) fn bridge() {
    // A record that no filter lets through costs one comparison.
    let most = LevelFilter::current().as_log();
    let _ = LogTracer::builder().with_max_level(most).init();
}

/// What OpenTelemetry says of itself at `info` is no news to whoever runs a service.
const LOG_FILTER: &str = "info,opentelemetry=warn";

fn parse(directives: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(directives)
}

/// What an operator must hear whatever `RUST_LOG` says: a panic, a service that cannot run, a setting that is ignored, spans
/// that are lost, a collector that is away and one that is back.
fn must_be_heard(metadata: &Metadata<'_>) -> bool {
    const OURS: [&str; 2] = [
        concat!(env!("CARGO_CRATE_NAME"), "::telemetry"),
        concat!(env!("CARGO_CRATE_NAME"), "::serve"),
    ];
    let target = metadata.target();
    // And not `shared::server`, which begins like it.
    let is_within = |rest: &str| rest.is_empty() || rest.starts_with("::");
    let ours = OURS
        .iter()
        .any(|module| target.strip_prefix(module).is_some_and(is_within));
    metadata.is_event() && ours && (*metadata.level() <= Level::WARN || target == otlp::JOURNAL)
}
