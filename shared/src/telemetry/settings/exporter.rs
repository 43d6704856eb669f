//! Where spans go: `OTEL_TRACES_EXPORTER`, and the variables of OTLP.

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

const ENDPOINT: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
const PROTOCOL: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];
const TIMEOUT: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
];
const HEADERS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_HEADERS",
];
const COMPRESSION: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
];

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
        _ => otlp(variables).map(Exporter::Otlp),
    }
}

fn otlp(variables: &mut Variables<'_>) -> Result<Otlp, ConfigError> {
    let protocol = protocol(variables)?;
    compression(variables);
    Ok(Otlp {
        protocol,
        endpoint: endpoint(variables, protocol)?,
        timeout: timeout(variables),
        headers: headers(variables),
    })
}

#[cfg_attr(
    feature = "grpc",
    expect(clippy::unnecessary_wraps, reason = "an error without the feature")
)]
fn protocol(variables: &mut Variables<'_>) -> Result<Protocol, ConfigError> {
    let Some((variable, value)) = variables.first(PROTOCOL) else {
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

/// The endpoint for traces is used as it is; to the one for all signals, HTTP adds the path of traces.
fn endpoint(variables: &Variables<'_>, protocol: Protocol) -> Result<Url, ConfigError> {
    let default = match protocol {
        Protocol::HttpProtobuf => "http://localhost:4318",
        #[cfg(feature = "grpc")]
        Protocol::Grpc => "http://localhost:4317",
    };
    let [for_traces, for_all] = ENDPOINT;
    let (variable, value) = variables
        .first(ENDPOINT)
        .unwrap_or_else(|| (for_all, default.to_owned()));
    let mut endpoint = url(variable, value)?;
    if protocol == Protocol::HttpProtobuf && variable != for_traces {
        let path = format!("{}/v1/traces", endpoint.path().trim_end_matches('/'));
        endpoint.set_path(&path);
    }
    Ok(endpoint)
}

fn url(variable: &'static str, value: String) -> Result<Url, ConfigError> {
    let refused = |value: String, expects| ConfigError {
        variable,
        value: without_user_info(value),
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

/// For an error message, also where the value is no URL.
fn without_user_info(value: String) -> String {
    let (scheme, rest) = value.split_once("://").unwrap_or(("", &value));
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://REDACTED@{host}"),
        None => value,
    }
}

fn timeout(variables: &mut Variables<'_>) -> Duration {
    let default = opentelemetry_otlp::OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT.as_millis();
    let timeout = variables.first(TIMEOUT).and_then(|(variable, _)| {
        variables.parse(variable, default, |value| {
            value.parse().ok().filter(|milliseconds| *milliseconds > 0)
        })
    });
    milliseconds(timeout.unwrap_or(default))
}

/// No value of theirs is ever shown: they carry the collector's API keys.
fn headers(variables: &mut Variables<'_>) -> HashMap<String, String> {
    let Some((variable, list)) = variables.first(HEADERS) else {
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

fn compression(variables: &mut Variables<'_>) {
    if let Some((variable, value)) = variables.first(COMPRESSION)
        && !value.eq_ignore_ascii_case("none")
    {
        variables.unusable(variable, &value, "none");
    }
}
