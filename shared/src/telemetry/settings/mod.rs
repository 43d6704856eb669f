//! What the environment says about telemetry, each variable read once and checked: what cannot be used stops the start
//! (an endpoint, a log format) or is told in a warning and replaced (the specification's way with its `OTEL_*`).
//!
//! The SDK reads many of these variables too, but neither trims them nor says what it ignores, so all of them are set
//! in code from here (`export`). `otlp` has those of OTLP, `sdk` those of the SDK, `unsupported` those that have no effect,
//! `variables` is how one is read.

mod exporter;
mod otlp;
mod propagators;
mod resource;
mod sdk;
mod unsupported;
mod variables;

use std::time::Duration;

use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry_sdk::{Resource, trace::SpanLimits};
use tracing_subscriber::EnvFilter;

use self::variables::Variables;
pub(super) use self::{
    exporter::Exporter,
    otlp::{Otlp, Protocol},
    resource::SERVICE_NAME,
};
use super::{sampling::Sampling, texts::ValueLimits};
use crate::{
    config::{self, ConfigError, Lookup},
    logs,
};

pub(super) struct Settings {
    pub(super) log_format: logs::Format,
    pub(super) log_filter: EnvFilter,
    pub(super) propagator: TextMapCompositePropagator,
    pub(super) resource: Resource,
    /// None where the SDK is disabled.
    pub(super) traces: Option<Traces>,
    /// None unless asked for.
    pub(super) metrics: Option<Metrics>,
    /// What was ignored, to be said once there is a log to say it in.
    pub(super) warnings: Vec<String>,
}

pub(super) struct Traces {
    pub(super) exporter: Exporter,
    pub(super) sampling: Sampling,
    pub(super) batching: Batching,
    pub(super) limits: SpanLimits,
    pub(super) value_limits: ValueLimits,
}

/// How spans wait for their export.
pub(super) struct Batching {
    /// How much the encoded spans that wait may take.
    pub(super) queue_bytes: usize,
    /// How many may wait, where that too is bounded.
    pub(super) queue_spans: Option<usize>,
    /// How many are exported together.
    pub(super) batch_spans: usize,
    /// From one export to the next, unless a batch is full before.
    pub(super) delay: Duration,
    /// How long one attempt to export a batch may take, if the exporter's own timeout is not shorter.
    pub(super) export_timeout: Duration,
}

impl Batching {
    pub(super) const QUEUE_BYTES: usize = 32 * 1024 * 1024;
    const LEAST_QUEUE_BYTES: usize = 1024 * 1024;
    const MOST_QUEUE_BYTES: usize = 64 * 1024 * 1024 * 1024;
    const BATCH_SPANS: usize = 512;
}

pub(super) struct Metrics {
    pub(super) exporter: Otlp,
    /// From one export to the next.
    pub(super) interval: Duration,
}

/// Reads them all. `service` is the service's name where the environment gives none.
pub(super) fn read(lookup: Lookup<'_>, service: &str) -> Result<Settings, ConfigError> {
    let mut variables = Variables::new(lookup);
    let disabled = variables.parse("OTEL_SDK_DISABLED", "false", |value| {
        value.to_ascii_lowercase().parse().ok()
    });
    let disabled = disabled.unwrap_or(false);
    let traces = if disabled {
        None
    } else {
        Some(Traces {
            exporter: exporter::read(&mut variables)?,
            sampling: sdk::sampling(&mut variables),
            batching: sdk::batching(&mut variables),
            limits: sdk::limits(&mut variables),
            value_limits: sdk::value_limits(&mut variables),
        })
    };
    let metrics = if disabled {
        None
    } else {
        exporter::metrics(&mut variables)?
    };
    let metrics = metrics.map(|exporter| Metrics {
        exporter,
        interval: sdk::metric_interval(&mut variables),
    });
    unsupported::warn(&mut variables);
    Ok(Settings {
        log_format: config::read(lookup, "LOG_FORMAT", "json", "json or pretty")?,
        log_filter: log_filter(lookup)?,
        propagator: propagators::read(&mut variables),
        resource: resource::read(&mut variables, service),
        traces,
        metrics,
        warnings: variables.into_warnings(),
    })
}

/// What OpenTelemetry says of itself at `info` is no news to whoever runs a service.
const LOG_FILTER: &str = "info,opentelemetry=warn";

fn log_filter(lookup: Lookup<'_>) -> Result<EnvFilter, ConfigError> {
    let directives = config::text(lookup, "RUST_LOG").unwrap_or_else(|| LOG_FILTER.to_owned());
    EnvFilter::builder()
        .parse(&directives)
        .map_err(|_| ConfigError {
            variable: "RUST_LOG",
            value: directives,
            expects: "levels such as info or checkout=debug,info",
        })
}
