//! Summarizes a trace for the list of traces, with the facts that relate it to other traces.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::attributes;
use crate::failure::Failure;
use crate::log_line::LogLine;
use crate::store::{Revision, Store, Trace, TraceId};
use crate::waterfall::{Position, Row, Waterfall};

/// The summary of a trace.
#[derive(Debug)]
pub(crate) struct Summary {
    /// Trace id.
    pub(crate) id: TraceId,
    /// Name of the root span, or of the first span if there is no root.
    pub(crate) name: String,
    /// Service of the root span or first span.
    pub(crate) service: String,
    /// Whether the root span or first span is a SERVER span, so that a request started the trace.
    pub(crate) is_request: bool,
    /// Path of the request.
    pub(crate) path: Option<String>,
    /// HTTP status of the response.
    pub(crate) status: Option<String>,
    /// The pitfall that the request ran, if any.
    pub(crate) pitfall: Option<Pitfall>,
    /// The first failure in the trace, if any.
    pub(crate) failure: Option<Failure>,
    /// Number of services with spans.
    pub(crate) services: Vec<String>,
    /// Number of spans.
    pub(crate) spans: usize,
    /// Number of failed spans.
    pub(crate) errors: usize,
    /// Ids of the traces that the spans link to.
    pub(crate) links: Vec<TraceId>,
    /// Whether the trace has more than one span at the top.
    pub(crate) is_split: bool,
    /// Start in nanoseconds since 1970.
    pub(crate) start: u64,
    /// Time from the first start to the last end, in nanoseconds.
    pub(crate) duration: u64,
}

/// A run of a pitfall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pitfall {
    /// Name of the pitfall.
    pub(crate) name: String,
    /// Whether the fixed variant of the pitfall ran.
    pub(crate) fixed: bool,
}

impl Summary {
    /// Summarizes a trace, or returns `None` if the trace has no span.
    pub(crate) fn of(trace: &Trace, lines: &[Arc<LogLine>]) -> Option<Self> {
        let waterfall = Waterfall::of(trace);
        let first = waterfall.first()?;
        Some(Self {
            id: trace.id,
            name: first.span.span.name.clone(),
            service: waterfall.services[first.service].clone(),
            is_request: first.span.span.kind() == SpanKind::Server,
            path: first.attribute(attributes::URL_PATH),
            status: first.attribute(attributes::HTTP_RESPONSE_STATUS_CODE),
            pitfall: Pitfall::of(first),
            failure: Failure::first_of(&waterfall, lines),
            spans: waterfall.rows.len(),
            errors: waterfall.failed().count(),
            links: links(trace),
            // A single orphan above all other spans is normal if the caller sends a `traceparent` header but no spans.
            is_split: waterfall.count(Position::Root) + waterfall.count(Position::Orphan) > 1,
            start: waterfall.start,
            duration: waterfall.duration,
            services: waterfall.services,
        })
    }

    /// Returns the end of the trace in nanoseconds since 1970.
    pub(crate) fn end(&self) -> u64 {
        self.start + self.duration
    }

    /// Returns the name of the trace and its pitfall, if any, such as `POST /pitfalls/{name}, raw-client broken`.
    pub(crate) fn title(&self) -> String {
        match &self.pitfall {
            Some(pitfall) => format!("{}, {}", self.name, pitfall.text()),
            None => self.name.clone(),
        }
    }
}

fn links(trace: &Trace) -> Vec<TraceId> {
    let links = trace.spans.iter().flat_map(|span| &span.span.links);
    let links: BTreeSet<_> = links
        .filter_map(|link| TraceId::from_bytes(&link.trace_id))
        .collect();
    links.into_iter().collect()
}

impl Pitfall {
    /// Returns the pitfall that the request of this span ran, if any.
    pub(crate) fn of(row: &Row) -> Option<Self> {
        let route = row.attribute(attributes::HTTP_ROUTE)?;
        let path = row.attribute(attributes::URL_PATH)?;
        let name = path.strip_prefix("/pitfalls/")?;
        let query = row.attribute(attributes::URL_QUERY).unwrap_or_default();
        (route == "/pitfalls/{name}").then(|| Self {
            name: name.to_owned(),
            fixed: query.split('&').any(|pair| pair == "fixed=true"),
        })
    }

    /// Formats the name and variant of the pitfall, such as `raw-client broken`.
    pub(crate) fn text(&self) -> String {
        format!(
            "{} {}",
            self.name,
            if self.fixed { "fixed" } else { "broken" }
        )
    }
}

/// Cached summaries of all stored traces, updated only for changed traces.
#[derive(Debug)]
pub(crate) struct Summaries {
    store: Store,
    known: Mutex<HashMap<TraceId, Known>>,
}

/// The version of a trace and its summary, which is `None` if the trace had no span.
type Known = (Revision, Option<Arc<Summary>>);

impl Summaries {
    /// Creates an empty cache of the summaries of the traces in `store`.
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            known: Mutex::default(),
        }
    }

    /// Returns all summaries, newest start first.
    pub(crate) fn all(&self) -> Vec<Arc<Summary>> {
        let revisions = self.store.revisions();
        let held: HashSet<_> = revisions.iter().map(|(id, _)| *id).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|id, _| held.contains(id));
        for (id, revision) in revisions {
            if known.get(&id).is_some_and(|(of, _)| *of == revision) {
                continue;
            }
            let trace = self.store.trace(id);
            let summary = trace.and_then(|trace| Summary::of(&trace, &self.store.lines(id)));
            known.insert(id, (revision, summary.map(Arc::new)));
        }
        let mut all: Vec<_> = known.values().filter_map(|(_, s)| s.clone()).collect();
        all.sort_unstable_by_key(|summary| std::cmp::Reverse((summary.start, summary.id)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Limits;
    use crate::testing::{attribute, pitfall, span, trace, trace_id};

    #[test]
    fn pitfall_is_known_by_its_name_and_form() {
        let broken = trace(vec![pitfall("raw-client", false, 0..9)]);
        let summary = Summary::of(&broken, &[]).unwrap();
        assert_eq!(summary.title(), "POST /pitfalls/{name}, raw-client broken");
        let fixed = trace(vec![pitfall("raw-client", true, 0..9)]);
        let summary = Summary::of(&fixed, &[]).unwrap();
        assert!(summary.pitfall.unwrap().fixed);
    }

    #[test]
    fn summary_follows_its_trace() {
        let store = Store::new(Limits::default());
        let summaries = Summaries::new(store.clone());
        assert!(summaries.all().is_empty());
        store.insert(vec![span("inventory", 2, Some(1), "child", 1..2).batch()]);
        assert_eq!(summaries.all()[0].name, "child");
        let mut root = span("checkout", 1, None, "root", 0..3);
        root.span
            .attributes
            .push(attribute("http.response.status_code", "200"));
        store.insert(vec![root.batch()]);
        let all = summaries.all();
        assert_eq!((all[0].name.as_str(), all[0].spans), ("root", 2));
        assert_eq!(all[0].status.as_deref(), Some("200"));
        assert_eq!(all[0].id, trace_id());
    }
}
