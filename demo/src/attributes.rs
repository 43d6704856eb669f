//! Reading OTLP attributes: finding one by its key, and any value as text for people.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};

/// Resource attribute that names the service.
pub const SERVICE_NAME: &str = "service.name";
/// Attribute of an `exception` event: what it said.
pub const EXCEPTION_MESSAGE: &str = "exception.message";
/// Attribute of an `exception` event whose text has lines.
pub const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";
/// Attribute that names what went wrong.
pub const ERROR_TYPE: &str = "error.type";
/// The status an HTTP request was answered with.
pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
/// The route a server chose for a request.
pub const HTTP_ROUTE: &str = "http.route";
/// The path a server was asked for.
pub const URL_PATH: &str = "url.path";
/// The query a server was asked with.
pub const URL_QUERY: &str = "url.query";
/// Where a client sent its request.
pub const SERVER_ADDRESS: &str = "server.address";
/// The port there.
pub const SERVER_PORT: &str = "server.port";
/// The database a client asked.
pub const DB_SYSTEM_NAME: &str = "db.system.name";

/// The value under `key` as text.
pub fn find(attributes: &[KeyValue], key: &str) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    Some(text(attribute.value.as_ref()))
}

/// A value as a person would write it; an empty one as nothing.
pub fn text(value: Option<&AnyValue>) -> String {
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

/// Whether a text in the value is as wanted; numbers and flags are made into one for that.
pub fn mentions(value: Option<&AnyValue>, wanted: &impl Fn(&str) -> bool) -> bool {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => wanted(text),
        Some(_) => wanted(&text(value)),
        None => false,
    }
}

/// Bytes as lowercase hex digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
