//! The log of a process: which lines are written, and how. Without the cargo feature `logs` there is none (`no_log`).

use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt as _, LevelFilter, filter_fn},
};

use super::otlp;
use crate::{
    config::{self, ConfigError, Lookup},
    logs,
};

pub(super) struct Logs {
    format: logs::Format,
    filter: EnvFilter,
}

/// What the environment says of the log.
pub(super) fn read(lookup: Lookup<'_>) -> Result<Logs, ConfigError> {
    Ok(Logs {
        format: config::read(lookup, "LOG_FORMAT", "json", "json or pretty")?,
        filter: filter(lookup)?,
    })
}

/// The layer that writes log lines.
pub(super) fn layer(logs: Logs, service: String) -> impl Layer<Registry> + Send + Sync {
    let must_be_heard = filter_fn(must_be_heard).with_max_level_hint(LevelFilter::INFO);
    logs::layer::<Registry>(service, logs.format).with_filter(logs.filter.or(must_be_heard))
}

/// What OpenTelemetry says of itself at `info` is no news to whoever runs a service.
const LOG_FILTER: &str = "info,opentelemetry=warn";

fn filter(lookup: Lookup<'_>) -> Result<EnvFilter, ConfigError> {
    let directives = config::text(lookup, "RUST_LOG").unwrap_or_else(|| LOG_FILTER.to_owned());
    EnvFilter::builder()
        .parse(&directives)
        .map_err(|_| ConfigError {
            variable: "RUST_LOG",
            value: directives,
            expects: "levels such as info or checkout=debug,info",
        })
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
