//! Where spans go: `OTEL_TRACES_EXPORTER`.

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

/// The specification's, where this can do that.
const DEFAULT: &str = if cfg!(feature = "otlp") {
    "otlp"
} else {
    "none"
};

pub(super) fn read(variables: &mut Variables<'_>) -> Result<Exporter, ConfigError> {
    let exporter = variables.parse("OTEL_TRACES_EXPORTER", DEFAULT, |value| {
        let value = value.to_ascii_lowercase();
        ["otlp", "console", "none"]
            .into_iter()
            .find(|known| *known == value)
    });
    match exporter.unwrap_or(DEFAULT) {
        "console" => Ok(Exporter::Console),
        "none" => Ok(Exporter::None),
        _ => otlp::traces(variables).map(|otlp| Exporter::Otlp(Box::new(otlp))),
    }
}
