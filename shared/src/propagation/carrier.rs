//! Adapters that make an [`http::HeaderMap`] a carrier.

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
        // Propagators write ASCII. What is no header all the same is left out: propagation never fails a request.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
