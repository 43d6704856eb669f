//! Where spans and metrics go: `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, and the variables of OTLP.

use std::{
    collections::HashMap,
    fmt::{self, Display},
    time::Duration,
};

use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use url::Url;

use super::{sdk::milliseconds, variables::Variables};
use crate::{config::ConfigError, redact::Redaction};

/// Where to look for what: each variable of the signal goes before the one for all signals.
struct Signal {
    /// What HTTP adds to the endpoint for all signals.
    path: &'static str,
    endpoint: [&'static str; 2],
    protocol: [&'static str; 2],
    timeout: [&'static str; 2],
    headers: [&'static str; 2],
    compression: [&'static str; 2],
}

const TRACES: Signal = Signal {
    path: "v1/traces",
    endpoint: ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ENDPOINT],
    protocol: [
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
    ],
    timeout: [
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
    ],
    headers: [
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "OTEL_EXPORTER_OTLP_HEADERS",
    ],
    compression: [
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
    ],
};

const METRICS: Signal = Signal {
    path: "v1/metrics",
    endpoint: ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", ENDPOINT],
    protocol: [
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
    ],
    timeout: [
        "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
    ],
    headers: [
        "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
        "OTEL_EXPORTER_OTLP_HEADERS",
    ],
    compression: [
        "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
    ],
};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

pub(in crate::telemetry) enum Exporter {
    Otlp(Otlp),
    Console,
    None,
}

/// Without `Debug`: the headers may hold secrets.
pub(in crate::telemetry) struct Otlp {
    pub(in crate::telemetry) protocol: Protocol,
    pub(in crate::telemetry) endpoint: Url,
    pub(in crate::telemetry) timeout: Duration,
    /// With the values still percent-encoded.
    pub(in crate::telemetry) headers: HashMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::telemetry) enum Protocol {
    HttpProtobuf,
    #[cfg(feature = "grpc")]
    Grpc,
}

impl Display for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Otlp(otlp) => {
                let mut endpoint = otlp.endpoint.clone();
                endpoint.set_query(None);
                let endpoint = Redaction::default().url(&endpoint);
                write!(f, "{} to {endpoint}", otlp.protocol.name())
            }
            Self::Console => f.write_str("console"),
            Self::None => f.write_str("none"),
        }
    }
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "http/protobuf",
            #[cfg(feature = "grpc")]
            Self::Grpc => "grpc",
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
        _ => otlp(variables, &TRACES).map(Exporter::Otlp),
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
        Some("otlp") => otlp(variables, &METRICS).map(Some),
        _ => Ok(None),
    }
}

fn otlp(variables: &mut Variables<'_>, signal: &Signal) -> Result<Otlp, ConfigError> {
    let protocol = protocol(variables, signal)?;
    compression(variables, signal);
    Ok(Otlp {
        protocol,
        endpoint: endpoint(variables, signal, protocol)?,
        timeout: timeout(variables, signal),
        headers: headers(variables, signal),
    })
}

#[cfg_attr(
    feature = "grpc",
    expect(clippy::unnecessary_wraps, reason = "an error without the feature")
)]
fn protocol(variables: &mut Variables<'_>, signal: &Signal) -> Result<Protocol, ConfigError> {
    let Some((variable, value)) = variables.first(signal.protocol) else {
        return Ok(Protocol::HttpProtobuf);
    };
    match value.to_ascii_lowercase().as_str() {
        "http/protobuf" => Ok(Protocol::HttpProtobuf),
        #[cfg(feature = "grpc")]
        "grpc" => Ok(Protocol::Grpc),
        #[cfg(not(feature = "grpc"))]
        "grpc" => Err(ConfigError {
            variable,
            value,
            expects: "http/protobuf, or a build of `shared` with the cargo feature `grpc`",
        }),
        _ => {
            variables.unusable(variable, &value, "http/protobuf");
            Ok(Protocol::HttpProtobuf)
        }
    }
}

/// The signal's own endpoint is used as it is; to the one for all signals, HTTP adds the signal's path.
fn endpoint(
    variables: &Variables<'_>,
    signal: &Signal,
    protocol: Protocol,
) -> Result<Url, ConfigError> {
    let default = match protocol {
        Protocol::HttpProtobuf => "http://localhost:4318",
        #[cfg(feature = "grpc")]
        Protocol::Grpc => "http://localhost:4317",
    };
    let (variable, value) = variables
        .first(signal.endpoint)
        .unwrap_or_else(|| (ENDPOINT, default.to_owned()));
    let mut endpoint = url(variable, value)?;
    if protocol == Protocol::HttpProtobuf && variable == ENDPOINT {
        let path = format!("{}/{}", endpoint.path().trim_end_matches('/'), signal.path);
        endpoint.set_path(&path);
    }
    Ok(endpoint)
}

fn url(variable: &'static str, value: String) -> Result<Url, ConfigError> {
    let refused = |value: String, expects| ConfigError {
        variable,
        value: without_secrets(&value),
        expects,
    };
    let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    match Url::parse(&value).ok().filter(is_http) {
        None => Err(refused(value, "a URL such as http://localhost:4318")),
        Some(url) if url.scheme() == "https" && cfg!(not(feature = "tls")) => Err(refused(
            value,
            "an http:// URL, or a build of `shared` with the cargo feature `tls`",
        )),
        Some(url) => Ok(url),
    }
}

/// For an error message, also where the value is no URL: without user info and query, which may be secrets.
fn without_secrets(value: &str) -> String {
    let value = value.split('?').next().unwrap_or_default();
    let (scheme, rest) = value.split_once("://").unwrap_or(("", value));
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://REDACTED@{host}"),
        None => value.to_owned(),
    }
}

fn timeout(variables: &mut Variables<'_>, signal: &Signal) -> Duration {
    let default = opentelemetry_otlp::OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT.as_millis();
    let timeout = variables.first(signal.timeout).and_then(|(variable, _)| {
        variables.parse(variable, default, |value| {
            value.parse().ok().filter(|milliseconds| *milliseconds > 0)
        })
    });
    milliseconds(timeout.unwrap_or(default))
}

/// No value of theirs is ever shown: they carry the collector's API keys.
fn headers(variables: &mut Variables<'_>, signal: &Signal) -> HashMap<String, String> {
    let Some((variable, list)) = variables.first(signal.headers) else {
        return HashMap::new();
    };
    let mut headers = HashMap::new();
    for (position, entry) in (1..).zip(list.split(',')) {
        match header(entry) {
            Some((name, value)) => {
                headers.insert(name.to_owned(), value.to_owned());
            }
            None if entry.trim().is_empty() => {}
            None => variables.warn(format!(
                "entry {position} of {variable} is not `name=value`: it is left out"
            )),
        }
    }
    headers
}

fn header(entry: &str) -> Option<(&str, &str)> {
    let (name, value) = entry.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    HeaderName::try_from(name).ok()?;
    let decoded = percent_decode_str(value).decode_utf8().ok()?;
    HeaderValue::try_from(decoded.as_ref()).ok()?;
    Some((name, value))
}

fn compression(variables: &mut Variables<'_>, signal: &Signal) {
    if let Some((variable, value)) = variables.first(signal.compression)
        && !value.eq_ignore_ascii_case("none")
    {
        variables.unusable(variable, &value, "none");
    }
}
