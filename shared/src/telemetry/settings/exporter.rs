//! `OTEL_TRACES_EXPORTER`: the destination of spans.

use std::fmt::{self, Display};

use super::{
    otlp::{self, Otlp},
    variables::Variables,
};
use crate::config::ConfigError;

pub(in crate::telemetry) enum Exporter {
    Otlp(Box<Otlp>),
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

impl Exporter {
    /// Returns the proxy of the exporter, without credentials.
    pub(in crate::telemetry) fn proxy(&self) -> Option<&str> {
        match self {
            Self::Otlp(otlp) => otlp.proxy(),
            Self::Console | Self::None => None,
        }
    }
}

/// The specification's default, if this build supports it.
const DEFAULT: &str = if cfg!(feature = "otlp") {
    "otlp"
} else {
    "none"
};

pub(super) fn read(variables: &mut Variables<'_>) -> Result<Exporter, ConfigError> {
    let exporter = variables.word(
        "OTEL_TRACES_EXPORTER",
        DEFAULT,
        "otlp, console or none",
        &["otlp", "console", "none"],
    );
    match exporter.unwrap_or(DEFAULT) {
        "console" => Ok(Exporter::Console),
        "none" => Ok(Exporter::None),
        _ => otlp::traces(variables).map(|otlp| Exporter::Otlp(Box::new(otlp))),
    }
}
