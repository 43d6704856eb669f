//! The variables `OTEL_EXPORTER_OTLP_[...]HEADERS`.

use std::collections::HashMap;

use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use super::{super::variables::Variables, signal::Signal};

/// Returns the headers, with the values still percent-encoded. Warnings do not show values, which may be API keys.
pub(super) fn headers(variables: &mut Variables<'_>, signal: &Signal) -> HashMap<String, String> {
    let Some((variable, list)) = variables.first(signal.headers) else {
        return HashMap::new();
    };
    let mut headers = HashMap::new();
    for (position, entry) in (1..).zip(list.split(',')) {
        match header(entry) {
            Some((name, _)) if is_reserved(name) => variables.warn(format!(
                "entry {position} of {variable} is left out: the exporter sets `{name}` itself"
            )),
            Some((name, value)) => {
                headers.insert(name.to_owned(), value.to_owned());
            }
            None if entry.trim().is_empty() => {}
            None => variables.warn(format!(
                "entry {position} of {variable} is left out: expected a percent-encoded name=value pair"
            )),
        }
    }
    headers
}

/// Splits an entry, if its name and value are valid.
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

/// Decodes a value for sending.
pub(super) fn decoded(value: &str) -> Option<HeaderValue> {
    let value = percent_decode_str(value).decode_utf8().ok()?;
    HeaderValue::try_from(value.as_ref()).ok()
}
