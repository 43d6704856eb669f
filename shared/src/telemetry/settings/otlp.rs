//! The variables `OTEL_EXPORTER_OTLP_*`, which follow the
//! [specification](https://opentelemetry.io/docs/specs/otel/protocol/exporter/).

use std::{
    collections::HashMap,
    fmt::{self, Display},
    ops::RangeInclusive,
    time::Duration,
};

use http::{HeaderMap, HeaderName};
use opentelemetry::KeyValue;
use url::{Host, Url};

mod batching;
#[cfg(feature = "tls")]
mod certificates;
mod endpoint;
mod headers;
mod proxy;
mod signal;

pub(in crate::telemetry) use self::batching::Batching;
pub(super) use self::batching::batching;
#[cfg(feature = "tls")]
pub(in crate::telemetry) use self::certificates::Identity;
use self::{
    endpoint::endpoint,
    headers::{decoded, headers},
    signal::{METRICS, Signal, TRACES},
};
use super::variables::Variables;
use crate::{config::ConfigError, redact::Redaction, semconv};

/// The settings of an exporter. Does not implement `Debug`, since the headers may hold secrets.
pub(in crate::telemetry) struct Otlp {
    pub(in crate::telemetry) protocol: Protocol,
    pub(in crate::telemetry) endpoint: Url,
    pub(in crate::telemetry) timeout: Duration,
    /// The values are still percent-encoded.
    pub(in crate::telemetry) headers: HashMap<String, String>,
    /// Whether requests are compressed.
    pub(in crate::telemetry) gzip: bool,
    /// The roots that the collector's certificate is checked against, as PEM. `None` for the system's roots.
    #[cfg(feature = "tls")]
    pub(in crate::telemetry) certificate: Option<Vec<u8>>,
    /// The client certificate for collectors that demand one.
    #[cfg(feature = "tls")]
    pub(in crate::telemetry) identity: Option<Identity>,
    /// The proxy that requests go through, without its credentials.
    pub(in crate::telemetry) proxy: Option<String>,
}

/// The settings of metrics.
pub(in crate::telemetry) struct Metrics {
    pub(in crate::telemetry) exporter: Otlp,
    /// The time between two exports.
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

    /// Returns the attributes of the exporter's own metrics.
    pub(in crate::telemetry) fn component(&self) -> Vec<KeyValue> {
        let (kind, name) = self.protocol.component();
        let mut attributes = vec![
            KeyValue::new(semconv::OTEL_COMPONENT_TYPE, kind),
            KeyValue::new(semconv::OTEL_COMPONENT_NAME, name),
        ];
        let address = match self.endpoint.host() {
            // Without brackets, which belong to URLs only.
            Some(Host::Ipv6(address)) => Some(address.to_string()),
            host => host.map(|host| host.to_string()),
        };
        attributes.extend(address.map(|address| KeyValue::new(semconv::SERVER_ADDRESS, address)));
        if let Some(port) = self.endpoint.port_or_known_default() {
            attributes.push(KeyValue::new(semconv::SERVER_PORT, i64::from(port)));
        }
        attributes
    }

    /// Returns the headers with decoded values.
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
    /// Returns `otel.component.type` and `otel.component.name` of the exporter.
    fn component(self) -> (&'static str, &'static str) {
        match self {
            Self::HttpProtobuf => ("otlp_http_span_exporter", "otlp_http_span_exporter/0"),
            #[cfg(feature = "grpc")]
            Self::Grpc => ("otlp_grpc_span_exporter", "otlp_grpc_span_exporter/0"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "http/protobuf",
            #[cfg(feature = "grpc")]
            Self::Grpc => "grpc",
        }
    }
}

/// Reads the settings of the span exporter.
pub(super) fn traces(variables: &mut Variables<'_>) -> Result<Otlp, ConfigError> {
    read(variables, &TRACES)
}

/// Reads the settings of metrics. Unlike in the specification, they are off by default: with a collector for traces only, the
/// exporter would fail once a minute.
pub(super) fn metrics(variables: &mut Variables<'_>) -> Result<Option<Metrics>, ConfigError> {
    let exporter = variables.word(
        "OTEL_METRICS_EXPORTER",
        "none",
        "otlp or none",
        &["otlp", "none"],
    );
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
                "{variable} has no effect: this build of `shared` lacks the cargo feature `tls`"
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

/// The range of delays, intervals and timeouts: up to a day.
const MILLISECONDS: RangeInclusive<u64> = 0..=24 * 60 * 60 * 1000;
/// The timeout for the value 0. Unlike `Duration::MAX`, it can be added to an `Instant`.
const NO_LIMIT: Duration = Duration::from_hours(100 * 365 * 24);

/// Returns a delay or interval. 0 becomes a millisecond, the resolution of the timers: the loops that wait would not rest otherwise.
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
