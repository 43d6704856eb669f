//! Replaces `otlp` in builds without the cargo feature `otlp`, which export nothing to a collector.

use std::fmt::{self, Display};

use super::variables::Variables;
use crate::config::ConfigError;

/// Has no values: OTLP is not available.
pub(in crate::telemetry) enum Otlp {}

/// Has no values: metrics are not exported.
pub(in crate::telemetry) enum Metrics {}

/// Empty: no spans are queued.
pub(in crate::telemetry) struct Batching;

impl Display for Otlp {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Otlp {
    pub(super) fn proxy(&self) -> Option<&str> {
        match *self {}
    }
}

pub(super) fn traces(_: &mut Variables<'_>) -> Result<Otlp, ConfigError> {
    Err(missing(
        "OTEL_TRACES_EXPORTER",
        "console or none, or a build of `shared` with the cargo feature `otlp`",
    ))
}

pub(super) fn metrics(variables: &mut Variables<'_>) -> Result<Option<Metrics>, ConfigError> {
    for variable in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ] {
        if variables.text(variable).is_some() {
            variables.warn(format!(
                "{variable} has no effect: this build of `shared` lacks the cargo feature `otlp`"
            ));
        }
    }
    let exporter = variables.word("OTEL_METRICS_EXPORTER", "none", "none", &["otlp", "none"]);
    match exporter {
        Some("otlp") => Err(missing(
            "OTEL_METRICS_EXPORTER",
            "none, or a build of `shared` with the cargo feature `otlp`",
        )),
        _ => Ok(None),
    }
}

pub(super) fn batching(_: &mut Variables<'_>) -> Batching {
    Batching
}

fn missing(variable: &'static str, expects: &'static str) -> ConfigError {
    ConfigError {
        variable,
        value: "otlp".to_owned(),
        expects,
    }
}
