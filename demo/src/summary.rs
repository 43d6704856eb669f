//! A trace in one line: what the list shows of it, and what other traces are tied to it by.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::attributes;
use crate::failure::Failure;
use crate::logs::LogLine;
use crate::store::{Revision, Store, Trace, TraceId};
use crate::waterfall::{Place, Row, Waterfall};

/// What there is to say of a trace in one line.
#[derive(Debug)]
pub struct Summary {
    /// Its id.
    pub id: TraceId,
    /// The name of its root, or of its first span.
    pub name: String,
    /// The service of that span.
    pub service: String,
    /// Whether it serves a request; such a trace was begun by somebody's call.
    pub is_request: bool,
    /// The path it was asked for.
    pub path: Option<String>,
    /// The HTTP status it was answered with.
    pub status: Option<String>,
    /// The pitfall that was run.
    pub pitfall: Option<Pitfall>,
    /// What failed first.
    pub failure: Option<Failure>,
    /// Services with a span in it.
    pub services: Vec<String>,
    /// How many spans.
    pub spans: usize,
    /// How many of them failed.
    pub errors: usize,
    /// The traces that its spans link to.
    pub links: Vec<TraceId>,
    /// Whether the spans hang below more than one top.
    pub is_split: bool,
    /// When it begins, in nanoseconds since 1970.
    pub start: u64,
    /// From its first start to its last end, in nanoseconds.
    pub duration: u64,
}

/// A row of checkout's lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pitfall {
    /// Its name.
    pub name: String,
    /// Whether it is the fixed form.
    pub fixed: bool,
}

impl Summary {
    /// Sums up a trace; `None` while it has no span.
    pub fn of(trace: &Trace, lines: &[Arc<LogLine>]) -> Option<Self> {
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
            // One orphan that all others hang from is the rule when a caller sends its own traceparent.
            is_split: waterfall.count(Place::Root) + waterfall.count(Place::Orphan) > 1,
            start: waterfall.start,
            duration: waterfall.duration,
            services: waterfall.services,
        })
    }

    /// When it ends, in nanoseconds since 1970.
    pub fn end(&self) -> u64 {
        self.start + self.duration
    }

    /// The name with what tells it from others of that name: `POST /pitfalls/{name}, raw-client broken`.
    pub fn title(&self) -> String {
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
    /// That which the request of this span has run, if it has.
    pub fn of(row: &Row) -> Option<Self> {
        let route = row.attribute(attributes::HTTP_ROUTE)?;
        let path = row.attribute(attributes::URL_PATH)?;
        let name = path.strip_prefix("/pitfalls/")?;
        let query = row.attribute(attributes::URL_QUERY).unwrap_or_default();
        (route == "/pitfalls/{name}").then(|| Self {
            name: name.to_owned(),
            fixed: query.split('&').any(|pair| pair == "fixed=true"),
        })
    }

    /// `raw-client broken`
    pub fn text(&self) -> String {
        format!(
            "{} {}",
            self.name,
            if self.fixed { "fixed" } else { "broken" }
        )
    }
}

/// The summaries of all traces in the store, each made anew only when its trace has changed.
#[derive(Debug)]
pub struct Summaries {
    store: Store,
    known: Mutex<HashMap<TraceId, Known>>,
}

/// What a trace looked like when it was summed up, and the sum; none while it had no span.
type Known = (Revision, Option<Arc<Summary>>);

impl Summaries {
    /// Of the traces in `store`.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            known: Mutex::default(),
        }
    }

    /// All of them, the one that began last first.
    pub fn all(&self) -> Vec<Arc<Summary>> {
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
