//! `OTEL_TRACES_EXPORTER`: the destination of spans.

use std::fmt::{self, Display};

#[cfg(feature = "otlp")]
use super::otlp::{self, Otlp};
use super::variables::Variables;
use crate::config::ConfigError;

pub(in crate::telemetry) enum Exporter {
    #[cfg(feature = "otlp")]
    Otlp(Box<Otlp>),
    Console,
    None,
}

impl Display for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "otlp")]
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
            #[cfg(feature = "otlp")]
            Self::Otlp(otlp) => otlp.proxy(),
            Self::Console | Self::None => None,
        }
    }
}

/// The default of `OTEL_TRACES_EXPORTER`: that of the specification (`otlp`), or `none` if this build does
/// not support it.
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
        #[cfg(feature = "otlp")]
        _ => otlp::traces(variables).map(|otlp| Exporter::Otlp(Box::new(otlp))),
        #[cfg(not(feature = "otlp"))]
        _ => Err(missing(
            "OTEL_TRACES_EXPORTER",
            "console or none, or a build of `shared` with the cargo feature `otlp`",
        )),
    }
}

/// Warns of collector endpoints, which have no effect in a build without the cargo feature `otlp`. Fails if
/// `OTEL_METRICS_EXPORTER` is `otlp`.
#[cfg(not(feature = "otlp"))]
pub(super) fn warn_of_missing_feature(variables: &mut Variables<'_>) -> Result<(), ConfigError> {
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
        _ => Ok(()),
    }
}

#[cfg(not(feature = "otlp"))]
fn missing(variable: &'static str, expects: &'static str) -> ConfigError {
    ConfigError {
        variable,
        value: "otlp".to_owned(),
        expects,
    }
}
