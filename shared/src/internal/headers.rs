//! The HTTP headers to record as span attributes: an allow-list without secret headers.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use opentelemetry::{Array, KeyValue, StringValue, Value};

/// Headers that are never recorded, even if listed.
const NEVER: [HeaderName; 4] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::SET_COOKIE,
    header::PROXY_AUTHORIZATION,
];

/// The allow-list of headers to record, empty by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorded(Arc<[HeaderName]>);

impl Recorded {
    /// Adds headers to the allow-list.
    pub(crate) fn add(&mut self, names: impl IntoIterator<Item = HeaderName>) {
        let mut allowed = self.0.to_vec();
        for name in names {
            if !NEVER.contains(&name) && !allowed.contains(&name) {
                allowed.push(name);
            }
        }
        self.0 = allowed.into();
    }

    /// Returns an attribute `{prefix}{name}` for each allowed header that is present, with all values of the header in
    /// order.
    pub(crate) fn attributes<'a>(
        &'a self,
        prefix: &'a str,
        headers: &'a HeaderMap,
    ) -> impl Iterator<Item = KeyValue> + 'a {
        self.0
            .iter()
            .filter(|name| headers.contains_key(*name))
            .map(move |name| {
                let values = headers.get_all(name).iter();
                let values = values.map(|value| text(value).into());
                KeyValue::new(format!("{prefix}{name}"), strings(values.collect()))
            })
    }
}

/// Returns the header value to record. Invalid UTF-8 becomes U+FFFD.
pub(crate) fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// Returns the first value of a header, trimmed, or `None` if it is missing, empty or not visible ASCII.
#[cfg(feature = "server")]
pub(crate) fn first(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}

fn strings(values: Vec<StringValue>) -> Value {
    Value::Array(Array::String(values))
}
