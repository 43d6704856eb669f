//! The variables `OTEL_EXPORTER_OTLP_*`, which follow the
//! [specification](https://opentelemetry.io/docs/specs/otel/protocol/exporter/).

use std::{
    fmt::{self, Display},
    ops::RangeInclusive,
    time::Duration,
};

use ::otlp::{Builder, Compression, OtlpProcessor, Protocol};
use opentelemetry::KeyValue;
use url::{Host, Url};

mod batching;
#[cfg(feature = "tls")]
mod certificates;
mod endpoint;
mod headers;
mod signal;

pub(super) use self::batching::batching;
use self::{
    endpoint::endpoint,
    headers::headers,
    signal::{METRICS, Signal, TRACES},
};
use super::variables::Variables;
use crate::{config::ConfigError, internal::semconv, redact::Redaction};

/// The settings of an OTLP exporter.
pub(in crate::telemetry) struct Otlp {
    pub(in crate::telemetry) builder: Builder,
    /// Attributes of the metrics about the exporter.
    pub(in crate::telemetry) component: Vec<KeyValue>,
    /// Protocol and endpoint of the exporter, without secrets.
    destination: String,
    /// The proxy that export requests go through, without its credentials.
    proxy: Option<String>,
}

/// The settings of the export of metrics.
pub(in crate::telemetry) struct Metrics {
    pub(in crate::telemetry) exporter: Otlp,
    /// The time between two exports of metrics.
    pub(in crate::telemetry) interval: Duration,
}

impl Display for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.destination)
    }
}

impl Otlp {
    pub(super) fn proxy(&self) -> Option<&str> {
        self.proxy.as_deref()
    }
}

fn destination(protocol: Protocol, endpoint: &Url) -> String {
    let mut endpoint = endpoint.clone();
    endpoint.set_query(None);
    endpoint.set_fragment(None);
    format!("{protocol} to {}", Redaction::default().url(&endpoint))
}

/// Returns the attributes of the metrics about the exporter.
fn component(protocol: Protocol, endpoint: &Url) -> Vec<KeyValue> {
    let kind = protocol.component_type();
    let mut attributes = vec![
        KeyValue::new(semconv::OTEL_COMPONENT_TYPE, kind),
        KeyValue::new(semconv::OTEL_COMPONENT_NAME, format!("{kind}/0")),
    ];
    let address = match endpoint.host() {
        // The attribute contains an IPv6 address without brackets, which belong to URLs only.
        Some(Host::Ipv6(address)) => Some(address.to_string()),
        host => host.map(|host| host.to_string()),
    };
    attributes.extend(address.map(|address| KeyValue::new(semconv::SERVER_ADDRESS, address)));
    if let Some(port) = endpoint.port_or_known_default() {
        attributes.push(KeyValue::new(semconv::SERVER_PORT, i64::from(port)));
    }
    attributes
}

/// Reads the settings of the span exporter.
pub(super) fn traces(variables: &mut Variables<'_>) -> Result<Otlp, ConfigError> {
    read(variables, &TRACES)
}

/// Reads the settings of metrics. Unlike in the specification, metrics are off by default: if the collector accepts
/// traces only, the metrics exporter would fail once a minute.
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
    let mut builder = OtlpProcessor::builder()
        .protocol(protocol)
        .endpoint(endpoint.as_str())
        .timeout(timeout(variables, &signal.timeout, 10_000));
    for (name, value) in headers(variables, signal) {
        builder = builder.header(name, value);
    }
    builder = builder.compression(compression(variables, signal));
    #[cfg(feature = "tls")]
    let builder = builder.tls(::otlp::Tls {
        roots: certificates::roots(variables, signal)?,
        identity: certificates::identity(variables, signal)?,
    });
    Ok(Otlp {
        builder,
        component: component(protocol, &endpoint),
        destination: destination(protocol, &endpoint),
        proxy: ::otlp::environment_proxy(protocol, endpoint.as_str()),
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

fn compression(variables: &mut Variables<'_>, signal: &Signal) -> Compression {
    let compression = variables.first_usable(
        &signal.compression,
        "none",
        "gzip or none",
        |value| match value.to_ascii_lowercase().as_str() {
            "gzip" => Some(Compression::Gzip),
            "none" => Some(Compression::None),
            _ => None,
        },
    );
    compression.unwrap_or_default()
}

/// The allowed range of delays, intervals and timeouts in milliseconds: up to a day.
const MILLISECONDS: RangeInclusive<u64> = 0..=24 * 60 * 60 * 1000;
/// The duration for a timeout of 0, which means no limit. Unlike `Duration::MAX`, this duration can be added to an
/// `Instant`.
const NO_LIMIT: Duration = Duration::from_hours(100 * 365 * 24);

/// Returns a delay or interval. A value of 0 becomes one millisecond, the resolution of the timers: a loop that waits
/// for zero time would run without pause.
fn milliseconds(variables: &mut Variables<'_>, name: &'static str, default: u64) -> Duration {
    Duration::from_millis(variables.number(name, default, MILLISECONDS).max(1))
}

/// Returns a timeout. A value of 0 means no limit.
fn timeout(variables: &mut Variables<'_>, names: &[&'static str], default: u64) -> Duration {
    match variables.first_number(names, default, MILLISECONDS) {
        Some(0) => NO_LIMIT,
        milliseconds => Duration::from_millis(milliseconds.unwrap_or(default)),
    }
}
