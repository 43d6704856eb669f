//! The variables `OTEL_EXPORTER_OTLP_[...]HEADERS`.

use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use super::{super::variables::Variables, signal::Signal};

/// Returns the headers of export requests. Warnings do not show header values, which may be API keys.
pub(super) fn headers(
    variables: &mut Variables<'_>,
    signal: &Signal,
) -> Vec<(String, HeaderValue)> {
    let Some((variable, list)) = variables.first(signal.headers) else {
        return Vec::new();
    };
    let mut headers = Vec::new();
    for (position, entry) in (1..).zip(list.split(',')) {
        match header(entry) {
            Some((name, _)) if is_reserved(name) => variables.warn(format!(
                "entry {position} of {variable} is left out: the exporter sets `{name}` itself"
            )),
            Some((name, value)) => headers.push((name.to_owned(), value)),
            None if entry.trim().is_empty() => {}
            None => variables.warn(format!(
                "entry {position} of {variable} is left out: expected a percent-encoded name=value pair"
            )),
        }
    }
    headers
}

/// Splits and decodes a `name=value` entry. Returns `None` if the name or the value is invalid in an HTTP
/// header.
fn header(entry: &str) -> Option<(&str, HeaderValue)> {
    let (name, value) = entry.split_once('=')?;
    let name = name.trim();
    HeaderName::try_from(name).ok()?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    Some((name, HeaderValue::try_from(value.as_ref()).ok()?))
}

/// Returns whether a header describes the connection or the body, so that only the exporter can set it.
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
