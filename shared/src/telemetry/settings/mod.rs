//! What the environment says about telemetry, each variable read once and checked: what cannot be used stops the start
//! (an endpoint, a log format) or is told in a warning and replaced (the specification's way with its `OTEL_*`).
//!
//! The SDK reads many of these variables too, but neither trims them nor says what it ignores, so all of them are set
//! in code from here (`export`). `otlp` has those of OTLP, `sdk` those of the SDK, `unsupported` those that have no effect,
//! `variables` is how one is read.

mod exporter;
#[cfg_attr(not(feature = "otlp"), path = "no_otlp.rs")]
mod otlp;
mod propagators;
mod resource;
mod sdk;
mod unsupported;
mod variables;

use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SpanLimits},
};

#[cfg(feature = "otlp")]
pub(super) use self::otlp::Protocol;
use self::variables::Variables;
pub(super) use self::{
    exporter::Exporter,
    otlp::{Batching, Metrics, Otlp},
    resource::SERVICE_NAME,
};
use super::{
    log::{self, Logs},
    texts::ValueLimits,
};
use crate::config::{ConfigError, Lookup};

pub(super) struct Settings {
    pub(super) logs: Logs,
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
    pub(super) sampler: Sampler,
    pub(super) batching: Batching,
    pub(super) limits: SpanLimits,
    pub(super) value_limits: ValueLimits,
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
            sampler: sdk::sampler(&mut variables),
            batching: otlp::batching(&mut variables),
            limits: sdk::limits(&mut variables),
            value_limits: sdk::value_limits(&mut variables),
        })
    };
    let metrics = if disabled {
        None
    } else {
        otlp::metrics(&mut variables)?
    };
    unsupported::warn(&mut variables);
    Ok(Settings {
        logs: log::read(lookup)?,
        propagator: propagators::read(&mut variables),
        resource: resource::read(&mut variables, service),
        traces,
        metrics,
        warnings: variables.into_warnings(),
    })
}
