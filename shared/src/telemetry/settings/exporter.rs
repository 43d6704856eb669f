//! Where spans and metrics go: `OTEL_TRACES_EXPORTER` and `OTEL_METRICS_EXPORTER`.

use std::fmt::{self, Display};

use super::{
    otlp::{self, Otlp},
    variables::Variables,
};
use crate::config::ConfigError;

pub(in crate::telemetry) enum Exporter {
    Otlp(Otlp),
    Console,
    None,
}

impl Display for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Otlp(otlp) => otlp.fmt(f),
            Self::Console => f.write_str("console"),
            Self::None => f.write_str("none"),
        }
    }
}

pub(super) fn read(variables: &mut Variables<'_>) -> Result<Exporter, ConfigError> {
    let exporter = variables.parse("OTEL_TRACES_EXPORTER", "otlp", |value| {
        let value = value.to_ascii_lowercase();
        ["otlp", "console", "none"]
            .into_iter()
            .find(|known| *known == value)
    });
    match exporter {
        Some("console") => Ok(Exporter::Console),
        Some("none") => Ok(Exporter::None),
        _ => otlp::read(variables, &otlp::TRACES).map(Exporter::Otlp),
    }
}

/// Metrics are off unless asked for, against the specification's default: an exporter that fails once a minute, where a
/// collector takes traces only, is nothing to find out by accident.
pub(super) fn metrics(variables: &mut Variables<'_>) -> Result<Option<Otlp>, ConfigError> {
    let exporter = variables.parse("OTEL_METRICS_EXPORTER", "none", |value| {
        let value = value.to_ascii_lowercase();
        ["otlp", "none"].into_iter().find(|known| *known == value)
    });
    match exporter {
        Some("otlp") => otlp::read(variables, &otlp::METRICS).map(Some),
        _ => Ok(None),
    }
}
