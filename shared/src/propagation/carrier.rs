//! Adapters that allow collections of headers to be used as carriers.

use std::{collections::HashMap, fmt, hash::BuildHasher};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector};

/// Replaces a header value that is not UTF-8. No propagation format allows this character, so the propagator sees an
/// invalid value; if the value were omitted, the header would appear to be missing.
const NOT_TEXT: &str = "\u{fffd}";

/// A carrier for [`inject`](super::inject), which writes the keys of a context and removes the keys of a context that
/// was injected earlier.
///
/// Implement this trait together with [`Injector`] for your own carrier. If another crate provides an [`Injector`] for
/// a single message, wrap the injector in [`InjectOnly`].
///
/// ```
/// use opentelemetry::propagation::Injector;
/// use shared::propagation::Carrier;
///
/// struct Message(Vec<(String, String)>);
///
/// impl Injector for Message {
///     fn set(&mut self, key: &str, value: String) {
///         self.0.push((key.to_owned(), value));
///     }
/// }
///
/// impl Carrier for Message {
///     fn remove(&mut self, key: &str) {
///         self.0.retain(|(name, _)| !name.eq_ignore_ascii_case(key));
///     }
/// }
/// # let mut message = Message(vec![("Baggage".into(), "tenant=acme".into())]);
/// # message.remove("baggage");
/// # assert!(message.0.is_empty());
/// ```
pub trait Carrier: Injector {
    /// Removes every entry with this key, ignoring the case of the key.
    fn remove(&mut self, key: &str);
}

impl<S: BuildHasher> Carrier for HashMap<String, String, S> {
    fn remove(&mut self, key: &str) {
        self.retain(|name, _| !name.eq_ignore_ascii_case(key));
    }
}

impl Carrier for HeaderInjector<'_> {
    fn remove(&mut self, key: &str) {
        match usual(key) {
            Some(name) => self.0.remove(name),
            None => self.0.remove(key),
        };
    }
}

/// Turns an [`Injector`] without an earlier context into a [`Carrier`], such as the injector of another crate for a new
/// message.
///
/// ```
/// use opentelemetry::propagation::Injector;
/// use shared::propagation::{InjectOnly, inject};
///
/// /// Headers of a message, as a queue's client provides them.
/// fn send(mut headers: impl Injector) {
///     inject(&mut InjectOnly(&mut headers));
/// }
/// # send(std::collections::HashMap::new());
/// ```
pub struct InjectOnly<'a>(pub &'a mut dyn Injector);

impl fmt::Debug for InjectOnly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InjectOnly").finish_non_exhaustive()
    }
}

impl Injector for InjectOnly<'_> {
    fn set(&mut self, key: &str, value: String) {
        self.0.set(key, value);
    }

    fn reserve(&mut self, additional: usize) {
        self.0.reserve(additional);
    }
}

impl Carrier for InjectOnly<'_> {
    /// Does nothing, since there is no earlier context.
    fn remove(&mut self, _: &str) {}
}

/// Reads the headers of a request or message that does not pass through [`TraceLayer`](crate::server::TraceLayer).
///
/// ```
/// use shared::propagation::{HeaderExtractor, extract};
///
/// let headers = http::HeaderMap::new(); // the received headers
/// let caller = extract(&HeaderExtractor(&headers)); // the parent of the next span
/// # drop(caller);
/// ```
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
        let headers = match usual(key) {
            Some(name) => self.0.get_all(name),
            None => self.0.get_all(key),
        };
        for value in headers {
            match str::from_utf8(value.as_bytes()) {
                Ok(value) => values.push(value),
                // List members are checked one by one, since a member that is not UTF-8 must not hide the valid members
                // of the same header.
                Err(_) => values.extend(value.as_bytes().split(|byte| *byte == b',').map(text)),
            }
        }
        (!values.is_empty()).then_some(values)
    }
}

/// Returns the header name for a W3C key such as `traceparent` without parsing the key, since nearly every request
/// needs these names.
fn usual(key: &str) -> Option<&'static HeaderName> {
    static USUAL: [HeaderName; 3] = [
        HeaderName::from_static("traceparent"),
        HeaderName::from_static("tracestate"),
        HeaderName::from_static("baggage"),
    ];
    USUAL.iter().find(|name| *name == key)
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or(NOT_TEXT)
}

/// Writes the headers of a request or message that does not pass through [`crate::client`]. Replaces earlier values of
/// the headers.
///
/// ```
/// use shared::propagation::{HeaderInjector, inject};
///
/// let mut headers = http::HeaderMap::new(); // the headers to send
/// inject(&mut HeaderInjector(&mut headers));
/// ```
#[derive(Debug)]
pub struct HeaderInjector<'a>(pub &'a mut HeaderMap);

impl Injector for HeaderInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        // Propagators write ASCII. A name or value that is not a valid header is skipped, since propagation must not
        // fail a request.
        if let Some(name) = usual(key).cloned().or_else(|| key.parse().ok())
            && let Ok(value) = HeaderValue::try_from(value)
        {
            self.0.insert(name, value);
        }
    }

    fn reserve(&mut self, additional: usize) {
        self.0.reserve(additional);
    }
}

/// Reads a map of strings with keys in any case, such as the headers of a queue's message.
///
/// `HashMap<String, String>` can be used as a carrier itself, but then only lower-case keys are found. To write a
/// context, pass the map itself to [`inject`](super::inject).
#[derive(Debug, Clone, Copy)]
pub struct MapExtractor<'a>(pub &'a HashMap<String, String>);

impl MapExtractor<'_> {
    /// Returns the entries with this key, ignoring case. Each spelling of the key counts as a separate header. The
    /// entries are sorted by spelling, since a map has no order.
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
