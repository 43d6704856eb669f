//! OTLP in JSON, read and written.
//!
//! Reading accepts all that [protobuf's JSON](https://protobuf.dev/programming-guides/json/) allows and the
//! [OTLP specification](https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding) changes: `null` for any field,
//! the names of fields in either form, unknown fields, numbers in quotes, enumerations by name or number. Writing
//! produces the form of the Collector's `pdata`, which Jaeger answers with: zero values are left out, messages are not.
//! The generated types refuse the first and write `null` where a message is missing.

mod read;
mod value;
mod write;

pub(crate) use read::read;
pub(crate) use write::Written;

#[cfg(test)]
mod tests;
