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
mod span_levels;
mod unsupported;
mod variables;

use opentelemetry_sdk::{
    Resource,
    trace::{ShouldSample, SpanLimits},
};
use tracing_subscriber::filter::Targets;

#[cfg(feature = "otlp")]
pub(super) use self::otlp::Protocol;
use self::variables::Variables;
pub(super) use self::{
    exporter::Exporter,
    otlp::{Batching, Metrics, Otlp},
    propagators::Propagators,
};
use super::{
    Service,
    log::{self, Logs},
    sampling::Sampling,
    texts::ValueLimits,
};
use crate::config::{ConfigError, Lookup};

/// What the code says, which counts where the environment says nothing, and beside it.
pub(super) struct Code {
    pub(super) service: Service,
    pub(super) span_levels: Targets,
    /// In place of the environment's.
    pub(super) sampler: Option<Box<dyn ShouldSample>>,
    /// Whether there is to be a log of ours.
    pub(super) logs: bool,
}

pub(super) struct Settings {
    /// None where nobody wants a log.
    pub(super) logs: Option<Logs>,
    pub(super) propagators: Propagators,
    pub(super) resource: Resource,
    pub(super) span_levels: Targets,
    /// None where the SDK is disabled.
    pub(super) traces: Option<Traces>,
    /// None unless asked for.
    pub(super) metrics: Option<Metrics>,
    /// What was ignored, to be said once there is a log to say it in.
    pub(super) warnings: Vec<String>,
}

pub(super) struct Traces {
    pub(super) exporter: Exporter,
    pub(super) sampler: Box<dyn ShouldSample>,
    /// What is known of the sampler. None of the code's own.
    pub(super) sampling: Option<Sampling>,
    pub(super) batching: Batching,
    pub(super) limits: SpanLimits,
    pub(super) value_limits: ValueLimits,
}

/// Reads them all.
pub(super) fn read(lookup: Lookup<'_>, code: Code) -> Result<Settings, ConfigError> {
    let mut variables = Variables::new(lookup);
    let disabled = variables.parse("OTEL_SDK_DISABLED", "false", |value| {
        value.to_ascii_lowercase().parse().ok()
    });
    let disabled = disabled.unwrap_or(false);
    let traces = if disabled {
        None
    } else {
        let exporter = exporter::read(&mut variables)?;
        let (sampler, sampling) = if let Some(sampler) = code.sampler {
            (sdk::replaced_sampler(&mut variables, sampler), None)
        } else {
            let sampling = sdk::sampling(&mut variables);
            (sampling.sampler(), Some(sampling))
        };
        Some(Traces {
            exporter,
            sampler,
            sampling,
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
    let logs = code.logs.then(|| log::read(lookup)).transpose()?;
    if let Some(warning) = logs.as_ref().and_then(Logs::warning) {
        variables.warn(warning);
    }
    Ok(Settings {
        logs,
        propagators: propagators::read(&mut variables),
        resource: resource::read(&mut variables, code.service),
        span_levels: span_levels::read(&mut variables, code.span_levels),
        traces,
        metrics,
        warnings: variables.into_warnings(),
    })
}
