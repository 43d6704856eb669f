//! Reads OTLP attributes: finds one by key, and formats values for people.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};

/// Resource attribute that names the service.
pub(crate) const SERVICE_NAME: &str = "service.name";
/// Attribute of an `exception` event: its message.
pub(crate) const EXCEPTION_MESSAGE: &str = "exception.message";
/// Attribute of an `exception` event: its stack trace.
pub(crate) const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";
/// Attribute with the kind of error.
pub(crate) const ERROR_TYPE: &str = "error.type";
/// Attribute with the HTTP response status.
pub(crate) const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
/// Attribute with the matched route.
pub(crate) const HTTP_ROUTE: &str = "http.route";
/// Attribute with the requested path.
pub(crate) const URL_PATH: &str = "url.path";
/// Attribute with the requested query.
pub(crate) const URL_QUERY: &str = "url.query";

/// Returns the value of `key` as text.
pub fn find(attributes: &[KeyValue], key: &str) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    Some(text(attribute.value.as_ref()))
}

/// Formats a value for people. An empty value becomes an empty text.
pub(crate) fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(f64::INFINITY)) => "Infinity".to_owned(),
        Some(Value::DoubleValue(f64::NEG_INFINITY)) => "-Infinity".to_owned(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BytesValue(bytes)) => hex(bytes),
        Some(Value::StringValueStrindex(index)) => format!("string #{index}"),
        Some(Value::ArrayValue(array)) => {
            let values: Vec<_> = array.values.iter().map(|v| text(Some(v))).collect();
            format!("[{}]", values.join(", "))
        }
        Some(Value::KvlistValue(list)) => {
            let pairs: Vec<_> = list
                .values
                .iter()
                .map(|pair| format!("{}: {}", pair.key, text(pair.value.as_ref())))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

/// Returns whether the value matches the condition. Values that are not strings are formatted first.
pub(crate) fn mentions(value: Option<&AnyValue>, wanted: &impl Fn(&str) -> bool) -> bool {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => wanted(text),
        Some(_) => wanted(&text(value)),
        None => false,
    }
}

/// Formats bytes as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
