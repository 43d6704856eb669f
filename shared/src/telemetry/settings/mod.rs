//! Reads and checks the environment variables of telemetry. An unusable endpoint or log format makes the initialization
//! fail; for most `OTEL_*` variables, the specification asks for a warning and the default value instead.
//!
//! The SDK also reads many of these variables, but does not trim their values or report which values it ignores.
//! Therefore this crate reads all variables itself and configures the SDK in code.

mod exporter;
mod names;
mod no_effect;
#[cfg(feature = "otlp")]
mod otlp;
mod propagators;
mod resource;
mod sdk;
mod span_levels;
mod variables;

use ::otlp::ValueLimits;
use opentelemetry_sdk::{
    Resource,
    trace::{ShouldSample, SpanLimits},
};
use tracing_subscriber::filter::Targets;

#[cfg(feature = "otlp")]
pub(super) use self::otlp::{Metrics, Otlp};
use self::variables::Variables;
pub(super) use self::{exporter::Exporter, propagators::Propagators};
#[cfg(feature = "logs")]
use super::log::{self, Logs};
use super::{Service, sampling::Sampling};
use crate::config::{ConfigError, Lookup};

/// The settings that the program makes in code. Most of them are defaults that environment variables override.
pub(super) struct Code {
    pub(super) service: Service,
    pub(super) span_levels: Targets,
    /// A custom sampler, which overrides the sampler that environment variables select.
    pub(super) sampler: Option<Box<dyn ShouldSample>>,
    /// Whether to write log lines.
    pub(super) logs: bool,
}

pub(super) struct Settings {
    /// Filter and format of log lines. `None` if the program does not use this crate's log.
    #[cfg(feature = "logs")]
    pub(super) logs: Option<Logs>,
    pub(super) propagators: Propagators,
    pub(super) resource: Resource,
    pub(super) span_levels: Targets,
    /// The settings of traces. `None` with `OTEL_SDK_DISABLED=true`.
    pub(super) traces: Option<Traces>,
    /// The settings of metrics. `None` unless `OTEL_METRICS_EXPORTER` enables metrics.
    #[cfg(feature = "otlp")]
    pub(super) metrics: Option<Metrics>,
    /// Descriptions of ignored values, which are logged once the log is set up.
    pub(super) warnings: Vec<String>,
}

pub(super) struct Traces {
    pub(super) exporter: Exporter,
    pub(super) sampler: Box<dyn ShouldSample>,
    /// The settings of a built-in sampler. `None` if the program sets a custom sampler.
    pub(super) sampling: Option<Sampling>,
    #[cfg(feature = "otlp")]
    pub(super) batching: ::otlp::Batching,
    pub(super) limits: SpanLimits,
    pub(super) value_limits: ValueLimits,
}

/// Reads all environment variables of telemetry and merges them with the settings in code.
pub(super) fn read(lookup: Lookup<'_>, code: Code) -> Result<Settings, ConfigError> {
    let mut variables = Variables::new(lookup);
    let disabled = variables.word(
        "OTEL_SDK_DISABLED",
        "false",
        "true or false",
        &["true", "false"],
    );
    let disabled = disabled == Some("true");
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
            #[cfg(feature = "otlp")]
            batching: otlp::batching(&mut variables),
            limits: sdk::limits(&mut variables),
            value_limits: sdk::value_limits(&mut variables),
        })
    };
    #[cfg(feature = "otlp")]
    let metrics = if disabled {
        None
    } else {
        otlp::metrics(&mut variables)?
    };
    #[cfg(not(feature = "otlp"))]
    if !disabled {
        exporter::warn_of_missing_feature(&mut variables)?;
    }
    no_effect::warn_of_unsupported(&mut variables);
    no_effect::warn_of_unknown(&mut variables, &no_effect::names());
    #[cfg(feature = "logs")]
    let logs = code.logs.then(|| log::read(lookup)).transpose()?;
    #[cfg(feature = "logs")]
    if let Some(warning) = logs.as_ref().and_then(Logs::warning) {
        variables.warn(warning);
    }
    Ok(Settings {
        #[cfg(feature = "logs")]
        logs,
        propagators: propagators::read(&mut variables),
        resource: resource::read(&mut variables, code.service),
        span_levels: span_levels::read(&mut variables, code.span_levels),
        traces,
        #[cfg(feature = "otlp")]
        metrics,
        warnings: variables.into_warnings(),
    })
}
