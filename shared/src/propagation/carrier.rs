//! Adapters that make header collections a carrier.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector};

/// Stands for bytes that are no UTF-8. No propagation format allows this character, so a propagator sees that a value
/// is there and that it is invalid; left out, it would look as if nothing had been sent.
const NOT_TEXT: &str = "\u{fffd}";

/// Reads from the headers of a request or a message.
#[derive(Debug, Clone, Copy)]
pub struct HeaderExtractor<'a>(pub &'a HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| text(value.as_bytes()))
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let mut values = Vec::new();
        for value in self.0.get_all(key) {
            match str::from_utf8(value.as_bytes()) {
                Ok(value) => values.push(value),
                // A list header may have one bad member and good ones beside it.
                Err(_) => values.extend(value.as_bytes().split(|byte| *byte == b',').map(text)),
            }
        }
        (!values.is_empty()).then_some(values)
    }
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or(NOT_TEXT)
}

/// Writes into the headers of a request or a message, in place of whatever they held under the same name.
#[derive(Debug)]
pub struct HeaderInjector<'a>(pub &'a mut HeaderMap);

impl Injector for HeaderInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        // The usual ones need no allocation.
        const USUAL: [HeaderName; 3] = [
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("tracestate"),
            HeaderName::from_static("baggage"),
        ];
        let usual = USUAL.into_iter().find(|name| name == key);
        // Propagators write ASCII. What is no header all the same is left out: propagation never fails a request.
        if let Some(name) = usual.or_else(|| HeaderName::try_from(key).ok())
            && let Ok(value) = HeaderValue::try_from(value)
        {
            self.0.insert(name, value);
        }
    }

    fn reserve(&mut self, additional: usize) {
        self.0.reserve(additional);
    }
}

/// Reads from a map of strings whose keys are in any case, such as a queue's message headers.
///
/// A `HashMap<String, String>` is a carrier by itself, but one that finds keys in lower case only. To write, use the map
/// itself.
#[derive(Debug, Clone, Copy)]
pub struct MapExtractor<'a>(pub &'a HashMap<String, String>);

impl MapExtractor<'_> {
    /// Every spelling of a key counts as a header of its own; in the order of their spelling, since a map has none.
    fn entries(&self, key: &str) -> Vec<(&str, &str)> {
        let mut entries: Vec<_> = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| name.eq_ignore_ascii_case(key))
            .collect();
        entries.sort_unstable();
        entries
    }
}

impl Extractor for MapExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let name = self.entries(key).first()?.0;
        self.0.get(name).map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let entries = self.entries(key);
        (!entries.is_empty()).then(|| entries.into_iter().map(|(_, value)| value).collect())
    }
}
