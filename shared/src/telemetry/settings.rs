//! The variables that this crate reads itself. The exporter, sampler and batch processor read their own `OTEL_*`
//! variables; see the README for the whole list.

use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use tracing_subscriber::EnvFilter;

use crate::{
    config::{self, ConfigError, Lookup},
    logs,
    propagation::{BaggagePropagator, TraceContextPropagator},
};

pub(super) const SERVICE_NAME: &str = "service.name";

pub(super) struct Settings {
    pub(super) disabled: bool,
    pub(super) log_format: logs::Format,
    pub(super) log_filter: EnvFilter,
    pub(super) propagator: TextMapCompositePropagator,
    /// What was ignored, to be said once there is a log to say it in.
    pub(super) warnings: Vec<String>,
}

pub(super) fn read(lookup: Lookup<'_>) -> Result<Settings, ConfigError> {
    let mut warnings = Vec::new();
    let disabled = config::text(lookup, "OTEL_SDK_DISABLED")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let log_format = config::read(lookup, "LOG_FORMAT", "json", "json or pretty")?;
    let propagator = propagator(lookup, &mut warnings);
    Ok(Settings {
        disabled,
        log_format,
        log_filter: log_filter(lookup)?,
        propagator,
        warnings,
    })
}

fn log_filter(lookup: Lookup<'_>) -> Result<EnvFilter, ConfigError> {
    let directives = config::text(lookup, "RUST_LOG").unwrap_or_else(|| "info".to_owned());
    EnvFilter::builder()
        .parse(&directives)
        .map_err(|_| ConfigError {
            variable: "RUST_LOG",
            value: directives,
            expects: "levels such as info or checkout=debug,info",
        })
}

fn propagator(lookup: Lookup<'_>, warnings: &mut Vec<String>) -> TextMapCompositePropagator {
    let names = config::text(lookup, "OTEL_PROPAGATORS")
        .unwrap_or_else(|| "tracecontext,baggage".to_owned());
    let mut propagators: Vec<Box<dyn TextMapPropagator + Send + Sync>> = Vec::new();
    for name in names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        match name {
            "tracecontext" => propagators.push(Box::new(TraceContextPropagator::new())),
            "baggage" => propagators.push(Box::new(BaggagePropagator::new())),
            "none" => {}
            _ => warnings.push(format!(
                "OTEL_PROPAGATORS has `{name}`, which is unknown here and is ignored"
            )),
        }
    }
    TextMapCompositePropagator::new(propagators)
}

/// `OTEL_SERVICE_NAME`, else `service.name` of `OTEL_RESOURCE_ATTRIBUTES`.
pub(super) fn service_name(lookup: Lookup<'_>) -> Option<String> {
    config::text(lookup, "OTEL_SERVICE_NAME").or_else(|| {
        let attributes = config::text(lookup, "OTEL_RESOURCE_ATTRIBUTES")?;
        let pairs = attributes
            .split(',')
            .filter_map(|pair| pair.split_once('='));
        let last = pairs.rev().find(|(key, _)| key.trim() == SERVICE_NAME);
        let name = last?.1.trim();
        (!name.is_empty()).then(|| name.to_owned())
    })
}
