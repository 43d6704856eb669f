//! The variables of OTLP, `OTEL_EXPORTER_OTLP_*`, by the
//! [specification](https://opentelemetry.io/docs/specs/otel/protocol/exporter/).

use std::{
    collections::HashMap,
    fmt::{self, Display},
    ops::RangeInclusive,
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use url::Url;

mod batching;
#[cfg(feature = "tls")]
mod certificates;
mod proxy;
mod signal;

pub(in crate::telemetry) use self::batching::Batching;
pub(super) use self::batching::batching;
#[cfg(feature = "tls")]
pub(in crate::telemetry) use self::certificates::Identity;
use self::signal::{ENDPOINT, METRICS, Signal, TRACES};
use super::variables::Variables;
use crate::{config::ConfigError, redact::Redaction};

/// Without `Debug`: the headers may hold secrets.
pub(in crate::telemetry) struct Otlp {
    pub(in crate::telemetry) protocol: Protocol,
    pub(in crate::telemetry) endpoint: Url,
    pub(in crate::telemetry) timeout: Duration,
    /// With the values still percent-encoded.
    pub(in crate::telemetry) headers: HashMap<String, String>,
    /// Whether requests are compressed.
    pub(in crate::telemetry) gzip: bool,
    /// What a collector's certificate is checked against, as PEM, where it is not the system's roots.
    #[cfg(feature = "tls")]
    pub(in crate::telemetry) certificate: Option<Vec<u8>>,
    /// The client's own certificate, if the collector demands one.
    #[cfg(feature = "tls")]
    pub(in crate::telemetry) identity: Option<Identity>,
    /// The proxy that requests go through, without its credentials.
    pub(in crate::telemetry) proxy: Option<String>,
}

/// How metrics are exported.
pub(in crate::telemetry) struct Metrics {
    pub(in crate::telemetry) exporter: Otlp,
    /// From one export to the next.
    pub(in crate::telemetry) interval: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::telemetry) enum Protocol {
    HttpProtobuf,
    #[cfg(feature = "grpc")]
    Grpc,
}

impl Display for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut endpoint = self.endpoint.clone();
        endpoint.set_query(None);
        endpoint.set_fragment(None);
        let endpoint = Redaction::default().url(&endpoint);
        write!(f, "{} to {endpoint}", self.protocol.name())
    }
}

impl Otlp {
    pub(super) fn proxy(&self) -> Option<&str> {
        self.proxy.as_deref()
    }

    /// The headers as they are sent.
    pub(in crate::telemetry) fn header_map(&self) -> HeaderMap {
        let headers = self.headers.iter();
        headers
            .filter_map(|(name, value)| {
                let mut value = decoded(value)?;
                value.set_sensitive(true);
                Some((HeaderName::try_from(name).ok()?, value))
            })
            .collect()
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

/// Where spans go.
pub(super) fn traces(variables: &mut Variables<'_>) -> Result<Otlp, ConfigError> {
    read(variables, &TRACES)
}

/// Metrics are off unless asked for, against the specification's default: an exporter that fails once a minute, where a
/// collector takes traces only, is nothing to find out by accident.
pub(super) fn metrics(variables: &mut Variables<'_>) -> Result<Option<Metrics>, ConfigError> {
    let exporter = variables.parse("OTEL_METRICS_EXPORTER", "none", |value| {
        let value = value.to_ascii_lowercase();
        ["otlp", "none"].into_iter().find(|known| *known == value)
    });
    match exporter {
        Some("otlp") => Ok(Some(Metrics {
            exporter: read(variables, &METRICS)?,
            interval: milliseconds(variables, "OTEL_METRIC_EXPORT_INTERVAL", 60_000),
        })),
        _ => Ok(None),
    }
}

fn read(variables: &mut Variables<'_>, signal: &Signal) -> Result<Otlp, ConfigError> {
    let protocol = protocol(variables, signal)?;
    #[cfg(not(feature = "tls"))]
    for names in [
        signal.certificate,
        signal.client_certificate,
        signal.client_key,
    ] {
        if let Some((variable, _)) = variables.first(names) {
            variables.warn(format!(
                "{variable} has no effect: without the cargo feature `tls` nothing is encrypted"
            ));
        }
    }
    let endpoint = endpoint(variables, signal, protocol)?;
    Ok(Otlp {
        protocol,
        proxy: proxy::proxy(protocol, &endpoint),
        endpoint,
        timeout: timeout(variables, &signal.timeout, 10_000),
        headers: headers(variables, signal),
        gzip: gzip(variables, signal),
        #[cfg(feature = "tls")]
        certificate: certificates::roots(variables, signal)?,
        #[cfg(feature = "tls")]
        identity: certificates::identity(variables, signal)?,
    })
}

#[cfg_attr(
    feature = "grpc",
    expect(clippy::unnecessary_wraps, reason = "an error without the feature")
)]
fn protocol(variables: &mut Variables<'_>, signal: &Signal) -> Result<Protocol, ConfigError> {
    let allowed = if cfg!(feature = "grpc") {
        "http/protobuf or grpc"
    } else {
        "http/protobuf"
    };
    let is_grpc =
        variables.first_usable(
            &signal.protocol,
            "http/protobuf",
            allowed,
            |value| match value.to_ascii_lowercase().as_str() {
                "http/protobuf" => Some(false),
                "grpc" => Some(true),
                _ => None,
            },
        );
    if !is_grpc.unwrap_or(false) {
        return Ok(Protocol::HttpProtobuf);
    }
    #[cfg(feature = "grpc")]
    return Ok(Protocol::Grpc);
    #[cfg(not(feature = "grpc"))]
    Err(ConfigError {
        variable: signal
            .protocol
            .into_iter()
            .find(|name| {
                let value = variables.text(name);
                value.is_some_and(|value| value.eq_ignore_ascii_case("grpc"))
            })
            .unwrap_or(signal.protocol[1]),
        value: "grpc".to_owned(),
        expects: "http/protobuf, or a build of `shared` with the cargo feature `grpc`",
    })
}

/// The signal's own endpoint is used as it is; to the one for all signals, HTTP adds the signal's path.
fn endpoint(
    variables: &mut Variables<'_>,
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
    let with_scheme = with_scheme(variables, signal, protocol, &value);
    let mut endpoint = url(variable, value, &with_scheme)?;
    if protocol != Protocol::HttpProtobuf && !matches!(endpoint.path(), "" | "/") {
        variables.warn(format!(
            "{variable} has a path, which has no effect: gRPC uses the host and port only"
        ));
    }
    if protocol == Protocol::HttpProtobuf && variable == ENDPOINT {
        let path = format!("{}/{}", endpoint.path().trim_end_matches('/'), signal.path);
        endpoint.set_path(&path);
    }
    Ok(endpoint)
}

/// For gRPC an endpoint may be a bare `host:port`, and whether that is encrypted is `_INSECURE`'s to say.
fn with_scheme(
    variables: &mut Variables<'_>,
    signal: &Signal,
    protocol: Protocol,
    value: &str,
) -> String {
    let Some((variable, _)) = variables.first(signal.insecure) else {
        return default_scheme(protocol, value, false);
    };
    let insecure = variables.first_usable(&signal.insecure, "false", "true or false", |value| {
        value.to_ascii_lowercase().parse().ok()
    });
    if protocol == Protocol::HttpProtobuf || value.contains("://") {
        variables.warn(format!(
            "{variable} is of no use here: it is for gRPC, where the endpoint has no http:// or https://"
        ));
    }
    default_scheme(protocol, value, insecure.unwrap_or(false))
}

fn default_scheme(protocol: Protocol, value: &str, insecure: bool) -> String {
    if protocol == Protocol::HttpProtobuf || value.contains("://") {
        value.to_owned()
    } else if insecure {
        format!("http://{value}")
    } else {
        format!("https://{value}")
    }
}

fn url(variable: &'static str, value: String, with_scheme: &str) -> Result<Url, ConfigError> {
    let refused = |value: String, expects| ConfigError {
        variable,
        value,
        expects,
    };
    let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    match Url::parse(with_scheme).ok().filter(is_http) {
        None => Err(refused(value, "a URL such as http://localhost:4318")),
        Some(url) if url.scheme() == "https" && cfg!(not(feature = "tls")) => Err(refused(
            value,
            "an http:// URL, or a build of `shared` with the cargo feature `tls`",
        )),
        Some(url) => Ok(url),
    }
}

/// No value of theirs is ever shown: they carry the collector's API keys.
fn headers(variables: &mut Variables<'_>, signal: &Signal) -> HashMap<String, String> {
    let Some((variable, list)) = variables.first(signal.headers) else {
        return HashMap::new();
    };
    let mut headers = HashMap::new();
    for (position, entry) in (1..).zip(list.split(',')) {
        match header(entry) {
            Some((name, _)) if is_reserved(name) => variables.warn(format!(
                "entry {position} of {variable} is `{name}`, which the exporter sets itself: it is left out"
            )),
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
    decoded(value)?;
    Some((name, value))
}

/// Returns whether a header describes the connection or the body, which only the exporter knows.
fn is_reserved(name: &str) -> bool {
    const RESERVED: [&str; 14] = [
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let name = name.to_ascii_lowercase();
    RESERVED.contains(&name.as_str()) || name.starts_with("grpc-")
}

fn decoded(value: &str) -> Option<HeaderValue> {
    let value = percent_decode_str(value).decode_utf8().ok()?;
    HeaderValue::try_from(value.as_ref()).ok()
}

fn gzip(variables: &mut Variables<'_>, signal: &Signal) -> bool {
    let gzip =
        variables.first_usable(
            &signal.compression,
            "none",
            "gzip or none",
            |value| match value.to_ascii_lowercase().as_str() {
                "gzip" => Some(true),
                "none" => Some(false),
                _ => None,
            },
        );
    gzip.unwrap_or(false)
}

/// Every delay, interval and timeout: up to a day.
const MILLISECONDS: RangeInclusive<u64> = 0..=24 * 60 * 60 * 1000;
/// The timeout that 0 stands for. Unlike `Duration::MAX`, it can be added to the time.
const NO_LIMIT: Duration = Duration::from_hours(100 * 365 * 24);

/// Returns a delay or interval. The timers have a resolution of a millisecond.
fn milliseconds(variables: &mut Variables<'_>, name: &'static str, default: u64) -> Duration {
    Duration::from_millis(variables.number(name, default, MILLISECONDS).max(1))
}

/// Returns a timeout, where 0 means no limit.
fn timeout(variables: &mut Variables<'_>, names: &[&'static str], default: u64) -> Duration {
    match variables.first_number(names, default, MILLISECONDS) {
        Some(0) => NO_LIMIT,
        milliseconds => Duration::from_millis(milliseconds.unwrap_or(default)),
    }
}
