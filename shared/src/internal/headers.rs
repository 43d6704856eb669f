//! The headers to record: those listed by name, except secrets.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use opentelemetry::{Array, KeyValue, StringValue, Value};

/// Never recorded, even if listed.
const NEVER: [HeaderName; 4] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::SET_COOKIE,
    header::PROXY_AUTHORIZATION,
];

/// An allow-list, empty by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorded(Arc<[HeaderName]>);

impl Recorded {
    /// Adds headers.
    pub(crate) fn add(&mut self, names: impl IntoIterator<Item = HeaderName>) {
        let mut allowed = self.0.to_vec();
        for name in names {
            if !NEVER.contains(&name) && !allowed.contains(&name) {
                allowed.push(name);
            }
        }
        self.0 = allowed.into();
    }

    /// Returns an attribute `{prefix}{name}` for each header, with all its values in order.
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

/// Returns a header's value as recorded. Invalid UTF-8 becomes U+FFFD.
pub(crate) fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// Returns the first value of a header, trimmed. `None` if it is missing or not text.
#[cfg(feature = "server")]
pub(crate) fn first(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}

fn strings(values: Vec<StringValue>) -> Value {
    Value::Array(Array::String(values))
}
