//! What the [`Store`](super::Store) guards: the traces, and which of them go when there are too many.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry_proto::tonic::trace::v1::Span;

use super::{Inserted, Limits, Lost, Source, SpanId, StoredSpan, Trace, TraceId, weight};

/// All traces, each within its limit, and all of them within theirs.
#[derive(Debug, Default)]
pub(super) struct Traces {
    by_id: HashMap<TraceId, Entry>,
    /// By the arrival of their first span, oldest first.
    order: VecDeque<TraceId>,
    bytes: usize,
    pub(super) lost: Lost,
}

#[derive(Debug)]
struct Entry {
    trace: Trace,
    span_ids: HashSet<SpanId>,
    /// Those of the spans, each once.
    sources: Vec<Arc<Source>>,
    bytes: usize,
}

impl Traces {
    pub(super) fn get(&self, id: TraceId) -> Option<&Trace> {
        Some(&self.by_id.get(&id)?.trace)
    }

    /// The traces, the one that arrived last first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Trace> {
        self.order.iter().rev().map(|id| &self.by_id[id].trace)
    }

    /// Takes in a span and counts what became of it.
    pub(super) fn insert(
        &mut self,
        span: Span,
        source: &Arc<Source>,
        limits: Limits,
        inserted: &mut Inserted,
    ) {
        let ids = (TraceId::from_bytes(&span.trace_id), span_id(&span.span_id));
        let (Some(trace_id), Some(id)) = ids else {
            inserted.invalid += 1;
            return;
        };
        let entry = self.by_id.entry(trace_id).or_insert_with(|| {
            self.order.push_back(trace_id);
            Entry::new(trace_id)
        });
        if entry.span_ids.contains(&id) {
            inserted.duplicates += 1;
            return;
        }
        let known = entry.known(source);
        let mut bytes = weight::span(&span);
        if known.is_none() {
            bytes += weight::source(source);
        }
        let full = entry.trace.spans.len() >= limits.spans_per_trace
            || entry.bytes + bytes > limits.bytes_per_trace();
        if full {
            entry.trace.dropped += 1;
            inserted.over_limit += 1;
            self.evict(limits);
            return;
        }
        let source = known.unwrap_or_else(|| {
            entry.sources.push(Arc::clone(source));
            Arc::clone(source)
        });
        entry.span_ids.insert(id);
        entry.bytes += bytes;
        entry.trace.last_arrival = SystemTime::now();
        entry.trace.spans.push(Arc::new(StoredSpan {
            id,
            parent: span_id(&span.parent_span_id),
            source,
            span,
        }));
        self.bytes += bytes;
        inserted.accepted += 1;
        self.evict(limits);
    }

    fn evict(&mut self, limits: Limits) {
        while self.order.len() > limits.traces || self.bytes > limits.bytes {
            let Some(entry) = self
                .order
                .pop_front()
                .and_then(|oldest| self.by_id.remove(&oldest))
            else {
                return;
            };
            self.bytes -= entry.bytes;
            self.lost.evicted_traces += 1;
            self.lost.evicted_spans += entry.trace.spans.len() as u64;
        }
    }
}

impl Entry {
    fn new(id: TraceId) -> Self {
        Self {
            trace: Trace {
                id,
                spans: Vec::new(),
                dropped: 0,
                last_arrival: SystemTime::now(),
            },
            span_ids: HashSet::new(),
            sources: Vec::new(),
            bytes: 0,
        }
    }

    /// The source as this trace has it already: every batch brings its own, and they are mostly equal.
    fn known(&self, source: &Arc<Source>) -> Option<Arc<Source>> {
        let known = self.sources.iter();
        known
            .rev()
            .find(|known| Arc::ptr_eq(known, source) || *known == source)
            .cloned()
    }
}

fn span_id(bytes: &[u8]) -> Option<SpanId> {
    let id: SpanId = bytes.try_into().ok()?;
    (id != [0; 8]).then_some(id)
}
