//! OTLP in JSON, with the numbers that JSON has no number for.
//!
//! [Protobuf's JSON](https://protobuf.dev/programming-guides/json/) writes a double that is none as `"NaN"`, `"Infinity"` or
//! `"-Infinity"`, and allows any other in quotes too. The generated types refuse all of these, and a batch with them.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use serde_json::{Value, json};

/// Reads a batch.
///
/// # Errors
///
/// What is wrong with the JSON, and where.
pub(super) fn decode(body: &[u8]) -> serde_json::Result<ExportTraceServiceRequest> {
    serde_json::from_slice(body).or_else(|error| {
        let mut value: Value = serde_json::from_slice(body)?;
        if !unquote_doubles(&mut value) {
            return Err(error);
        }
        serde_json::from_value(value)
    })
}

/// Makes numbers of quoted doubles, and texts of those that cannot be one. Tells whether there were any.
fn unquote_doubles(value: &mut Value) -> bool {
    match value {
        Value::Array(values) => values
            .iter_mut()
            .fold(false, |found, value| unquote_doubles(value) | found),
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get("doubleValue") {
                let number = text.parse().ok().and_then(serde_json::Number::from_f64);
                *value = match number {
                    Some(number) => json!({ "doubleValue": number }),
                    None => json!({ "stringValue": text }),
                };
                return true;
            }
            fields
                .values_mut()
                .fold(false, |found, value| unquote_doubles(value) | found)
        }
        _ => false,
    }
}
