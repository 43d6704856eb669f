//! The filter of the trace list, as given in the URL.

use std::collections::HashMap;

use url::form_urlencoded::Serializer;

use super::view::contains;
use crate::attributes;
use crate::duration;
use crate::store::{Store, TraceId};
use crate::summary::Summary;

#[derive(Debug, Default)]
pub(super) struct Filter {
    /// Text to search for in the trace id, names, attributes, events and log lines.
    pub(super) text: String,
    pub(super) service: String,
    pub(super) only_failed: bool,
    /// The minimum duration, as entered by the user.
    pub(super) at_least: String,
    shortest: u64,
    /// The error message if `at_least` is not a valid duration.
    pub(super) mistake: Option<&'static str>,
    /// Lists only traces that started before this time, in nanoseconds since 1970.
    pub(super) before: Option<u64>,
}

impl Filter {
    pub(super) fn read(parameters: &HashMap<String, String>) -> Self {
        let of = |name: &str| parameters.get(name).map_or("", |value| value.trim());
        let at_least = of("min");
        let shortest = if at_least.is_empty() {
            Some(0)
        } else {
            duration::read(at_least)
        };
        Self {
            text: of("q").to_owned(),
            service: of("service").to_owned(),
            only_failed: of("error") == "1",
            at_least: at_least.to_owned(),
            shortest: shortest.unwrap_or(0),
            mistake: shortest
                .is_none()
                .then_some("a duration reads like 250ms or 1.5s; any is shown"),
            before: of("before").parse().ok(),
        }
    }

    /// Returns the trace id if the search text is a complete one.
    pub(super) fn trace_id(&self) -> Option<TraceId> {
        self.text.parse().ok()
    }

    /// Returns whether the filter excludes any traces.
    pub(super) fn is_narrow(&self) -> bool {
        !self.text.is_empty() || !self.service.is_empty() || self.only_failed || self.shortest > 0
    }

    /// Returns whether the trace matches the filter, ignoring `before`.
    pub(super) fn matches(&self, trace: &Summary, store: &Store) -> bool {
        let served = self.service.is_empty() || trace.services.contains(&self.service);
        let failed = !self.only_failed || trace.errors > 0;
        served && failed && trace.duration >= self.shortest && self.says(trace, store)
    }

    /// Returns the link to the list of traces that started before this time, or to the newest traces.
    pub(super) fn link(&self, before: Option<u64>) -> String {
        let before = before.map_or_else(String::new, |time| time.to_string());
        let failed = if self.only_failed { "1" } else { "" };
        let mut query = Serializer::for_suffix("/?".to_owned(), 2);
        for (name, value) in [
            ("q", self.text.as_str()),
            ("service", &self.service),
            ("error", failed),
            ("min", &self.at_least),
            ("before", &before),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish().trim_end_matches('?').to_owned()
    }

    fn says(&self, trace: &Summary, store: &Store) -> bool {
        let has = |text: &str| contains(text, &self.text);
        if self.text.is_empty()
            || has(&trace.title())
            || trace.services.iter().any(|name| has(name))
            || trace
                .id
                .to_string()
                .starts_with(&self.text.to_ascii_lowercase())
        {
            return true;
        }
        let failure = trace.failure.as_ref();
        if failure.is_some_and(|failure| has(&failure.text())) {
            return true;
        }
        if store.lines(trace.id).iter().any(|line| has(&line.raw)) {
            return true;
        }
        let any = |list: &[_]| {
            let mut list = list.iter();
            list.any(|a: &opentelemetry_proto::tonic::common::v1::KeyValue| {
                has(&a.key) || attributes::mentions(a.value.as_ref(), &has)
            })
        };
        store.trace(trace.id).is_some_and(|trace| {
            trace.spans.iter().any(|stored| {
                let span = &stored.span;
                let mut events = span.events.iter();
                has(&span.name)
                    || any(&span.attributes)
                    || events.any(|event| has(&event.name) || any(&event.attributes))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_keeps_the_filter() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            Filter::read(&pairs.collect())
        };
        let filter = of(&[("q", "a b"), ("error", "1"), ("min", "2s"), ("before", "9")]);
        assert_eq!(filter.link(Some(5)), "/?q=a+b&error=1&min=2s&before=5");
        assert_eq!(of(&[]).link(None), "/");
    }
}
