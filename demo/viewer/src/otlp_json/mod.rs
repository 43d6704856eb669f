//! Reads and writes OTLP messages in JSON.
//!
//! Reading accepts everything that [protobuf's JSON format](https://protobuf.dev/programming-guides/json/) allows, with
//! the changes of the [OTLP specification](https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): `null`
//! for any field, field names in camel case or snake case, unknown fields, numbers in quotes, enumerations by name or
//! number. Writing produces the format of the Collector's `pdata`, which Jaeger's responses use: zero values are
//! omitted, but empty messages are not. The generated types of `opentelemetry-proto` reject some of this input and
//! write `null` for a missing message.

mod read;
mod value;
mod write;

pub(crate) use read::read;
pub(crate) use write::Written;

#[cfg(test)]
mod tests;
