//! Finds related traces: linked traces, and the work that a pitfall lost.
//!
//! A trace of lost work has no link to the request that ran the pitfall, since the pitfall lost the context. Lost work
//! is detected by time: it started while the pitfall ran, and is not a request to the same service.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::store::TraceId;
use crate::summary::Summary;

/// The relation of another trace to this trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tie {
    /// A span of this trace links to the other trace.
    LinksTo,
    /// A span of the other trace links to this trace.
    LinkedFrom,
    /// The other trace is work that the pitfall in this trace lost.
    LostBy,
    /// The other trace ran the pitfall that lost the work in this trace.
    Loser,
}

/// Another trace and its relation to this trace.
#[derive(Clone, Debug)]
pub(crate) struct Related {
    /// The relation to this trace.
    pub(crate) tie: Tie,
    /// The id of the other trace.
    pub(crate) id: TraceId,
    /// The summary of the other trace; `None` if that trace is not stored.
    pub(crate) summary: Option<Arc<Summary>>,
}

/// Returns the traces related to this trace, each once.
pub(crate) fn related(id: TraceId, all: &[Arc<Summary>]) -> Vec<Related> {
    let Some(own) = all.iter().find(|summary| summary.id == id) else {
        return Vec::new();
    };
    let by_id: HashMap<_, _> = all.iter().map(|summary| (summary.id, summary)).collect();
    let mut found: Vec<Related> = Vec::new();
    let mut named = HashSet::from([own.id]);
    let mut add = |tie, id, summary: Option<&Arc<Summary>>| {
        if named.insert(id) {
            found.push(Related {
                tie,
                id,
                summary: summary.cloned(),
            });
        }
    };
    for other in all {
        if is_lost_by(other, own) {
            add(Tie::LostBy, other.id, Some(other));
        } else if is_lost_by(own, other) {
            add(Tie::Loser, other.id, Some(other));
        }
    }
    for &id in &own.links {
        add(Tie::LinksTo, id, by_id.get(&id).copied());
    }
    for other in all.iter().filter(|other| other.links.contains(&own.id)) {
        add(Tie::LinkedFrom, other.id, Some(other));
    }
    found
}

/// Returns the trace that ran the pitfall that lost this work, if there is one.
pub(crate) fn loser<'a>(lost: &Summary, all: &'a [Arc<Summary>]) -> Option<&'a Arc<Summary>> {
    all.iter().find(|pitfall| is_lost_by(lost, pitfall))
}

/// Returns whether `lost` started while the broken variant of `pitfall` ran, and is not a request to the same service.
fn is_lost_by(lost: &Summary, pitfall: &Summary) -> bool {
    let broken = pitfall.pitfall.as_ref().is_some_and(|form| !form.fixed);
    let asked_for = lost.is_request && lost.service == pitfall.service;
    let meanwhile = (pitfall.start..=pitfall.end()).contains(&lost.start);
    broken && meanwhile && !asked_for && lost.id != pitfall.id
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::span::Link;

    use super::*;
    use crate::store::{Limits, Store};
    use crate::summary::Summaries;
    use crate::testing::{TestSpan, pitfall, request, span};

    fn of_trace(number: u8, mut of: TestSpan) -> TestSpan {
        of.span.trace_id = vec![number; 16];
        of
    }

    fn ties(spans: Vec<TestSpan>, of: u8) -> Vec<(Tie, TraceId)> {
        let store = Store::new(Limits::default());
        store.insert(spans.into_iter().map(TestSpan::batch).collect());
        let all = Summaries::new(store).all();
        let related = related(id(of), &all);
        related.iter().map(|other| (other.tie, other.id)).collect()
    }

    fn id(number: u8) -> TraceId {
        TraceId::from_bytes(&[number; 16]).unwrap()
    }

    fn lab() -> Vec<TestSpan> {
        vec![
            of_trace(1, pitfall("raw-client", false, 100..200)),
            of_trace(2, request("inventory", 1, "GET /check/{item_id}", 120..140)),
            of_trace(3, request("checkout", 1, "POST /checkout", 130..180)),
            of_trace(4, span("checkout", 1, None, "long before", 10..20)),
        ]
    }

    #[test]
    fn pitfall_and_orphaned_trace_reference_each_other() {
        assert_eq!(ties(lab(), 1), [(Tie::LostBy, id(2))]);
        assert_eq!(ties(lab(), 2), [(Tie::Loser, id(1))]);
    }

    #[test]
    fn requests_of_others_are_not_lost_work() {
        assert_eq!(ties(lab(), 3), []);
        assert_eq!(ties(lab(), 4), []);
    }

    #[test]
    fn fixed_pitfall_has_lost_nothing() {
        let mut spans = lab();
        spans[0] = of_trace(1, pitfall("raw-client", true, 100..200));
        assert_eq!(ties(spans, 2), []);
    }

    #[test]
    fn linked_traces_name_each_other() {
        let mut batch = of_trace(1, span("checkout", 1, None, "batch", 50..60));
        batch.span.links.push(Link {
            trace_id: vec![2; 16],
            ..Link::default()
        });
        let spans = || vec![of_trace(2, span("checkout", 1, None, "job", 0..5))];
        let with = |batch: &TestSpan| {
            let mut spans = spans();
            spans.push(batch.clone());
            spans
        };
        assert_eq!(ties(with(&batch), 1), [(Tie::LinksTo, id(2))]);
        assert_eq!(ties(with(&batch), 2), [(Tie::LinkedFrom, id(1))]);
    }
}
