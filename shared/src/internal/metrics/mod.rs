//! HTTP metrics shared by server and client. Instruments are created on first use.
//!
//! Without a meter provider, no instruments or attributes are created. Without the cargo feature `metrics`, the module `off`
//! replaces `on` with types that cannot be constructed.
//! [HTTP metrics](https://opentelemetry.io/docs/specs/semconv/http/http-metrics/).

#[cfg(not(feature = "metrics"))]
mod off;
#[cfg(feature = "metrics")]
mod on;

use opentelemetry::KeyValue;

#[cfg(not(feature = "metrics"))]
pub(crate) use self::off::*;
#[cfg(feature = "metrics")]
pub(crate) use self::on::*;

/// The instruments of the server or the client.
pub(crate) trait Instruments {
    fn new(meter: &Meter) -> Self;
}

/// Returns the span attributes that the metric also has. Each has few values; paths and ids are excluded.
pub(crate) fn low_cardinality(attributes: &[KeyValue], keys: &[&str]) -> Vec<KeyValue> {
    attributes
        .iter()
        .filter(|attribute| keys.contains(&attribute.key.as_str()))
        .cloned()
        .collect()
}
