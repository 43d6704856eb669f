//! Without the cargo feature `otlp` nothing is sent to a collector, and whoever asks for it is told.

use std::fmt::{self, Display};

use super::variables::Variables;
use crate::config::ConfigError;

/// There is none.
pub(in crate::telemetry) enum Otlp {}

/// There are none that are exported.
pub(in crate::telemetry) enum Metrics {}

/// Nothing waits.
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
                "{variable} is of no use here: without the cargo feature `otlp` nothing is sent"
            ));
        }
    }
    let exporter = variables.parse("OTEL_METRICS_EXPORTER", "none", |value| {
        let value = value.to_ascii_lowercase();
        ["otlp", "none"].into_iter().find(|known| *known == value)
    });
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
