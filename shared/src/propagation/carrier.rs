//! Adapters that make header collections a carrier.

use std::{collections::HashMap, fmt, hash::BuildHasher};

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector};

/// Stands for bytes that are no UTF-8. No propagation format allows this character, so a propagator sees that a value
/// is there and that it is invalid; left out, it would look as if nothing had been sent.
const NOT_TEXT: &str = "\u{fffd}";

/// Writes a context, and takes out what an earlier one has left: what [`inject`](super::inject) asks of a carrier.
///
/// For a carrier of your own, beside [`Injector`]. An [`Injector`] of another crate that was made for one message is a
/// carrier as [`Fresh`].
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
    /// Takes out every entry of this key, in whatever case it is written.
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

/// A carrier that holds no context yet, such as the [`Injector`] of another crate around a new message.
///
/// ```
/// use opentelemetry::propagation::Injector;
/// use shared::propagation::{Fresh, inject};
///
/// /// As a queue's client brings one, for the headers of what it is about to send.
/// fn send(mut headers: impl Injector) {
///     inject(&mut Fresh(&mut headers));
/// }
/// # send(std::collections::HashMap::new());
/// ```
pub struct Fresh<'a>(pub &'a mut dyn Injector);

impl fmt::Debug for Fresh<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fresh").finish_non_exhaustive()
    }
}

impl Injector for Fresh<'_> {
    fn set(&mut self, key: &str, value: String) {
        self.0.set(key, value);
    }

    fn reserve(&mut self, additional: usize) {
        self.0.reserve(additional);
    }
}

impl Carrier for Fresh<'_> {
    /// There is nothing to take out.
    fn remove(&mut self, _: &str) {}
}

/// Reads from the headers of a request or a message: what a server does that [`TraceLayer`](crate::server::TraceLayer) is
/// not in front of.
///
/// ```
/// use shared::propagation::{HeaderExtractor, extract};
///
/// let headers = http::HeaderMap::new(); // of what came in
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
                // A list header may have one bad member and good ones beside it.
                Err(_) => values.extend(value.as_bytes().split(|byte| *byte == b',').map(text)),
            }
        }
        (!values.is_empty()).then_some(values)
    }
}

/// The header that nearly every request asks for, as a name that need not be parsed and copied again.
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

/// Writes into the headers of a request or a message, in place of whatever they held under the same name: for a client that
/// [`crate::client`] does not go around.
///
/// ```
/// use shared::propagation::{HeaderInjector, inject};
///
/// let mut headers = http::HeaderMap::new(); // of what goes out
/// inject(&mut HeaderInjector(&mut headers));
/// ```
#[derive(Debug)]
pub struct HeaderInjector<'a>(pub &'a mut HeaderMap);

impl Injector for HeaderInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        // Propagators write ASCII. What is no header all the same is left out: propagation never fails a request.
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
