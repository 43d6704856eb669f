//! The metrics of the HTTP conventions, as far as both sides share them: instruments that are made when first used.
//!
//! Off unless a meter provider was set, and then free: no instrument, no attribute is made. Without the cargo feature
//! `metrics` no instrument can be had (`off`, of the same shape as `on`).
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

/// The instruments of one side.
pub(crate) trait Instruments {
    fn new(meter: &Meter) -> Self;
}

/// Of a span's attributes, those that its metric has too: few values each, never a path or an id.
pub(crate) fn low_cardinality(attributes: &[KeyValue], keys: &[&str]) -> Vec<KeyValue> {
    attributes
        .iter()
        .filter(|attribute| keys.contains(&attribute.key.as_str()))
        .cloned()
        .collect()
}
