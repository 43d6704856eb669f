//! The data that [`Store`](super::Store) protects with a lock: the traces and their eviction.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use super::batch::PreparedSpan;
use super::limits::{Inserted, Limits, Lost};
use super::source::{Fingerprint, Source};
use super::trace::{SpanId, StoredSpan, Trace};
use super::trace_id::TraceId;

/// All stored traces, within the limits per trace and in total.
#[derive(Debug, Default)]
pub(super) struct Traces {
    by_id: HashMap<TraceId, Entry>,
    /// Trace ids, in order of arrival of the first span.
    order: VecDeque<TraceId>,
    bytes: usize,
    pub(super) lost: Lost,
}

#[derive(Debug)]
struct Entry {
    trace: Trace,
    span_ids: HashSet<SpanId>,
    /// Sources of the trace's spans, each stored once.
    sources: HashMap<Fingerprint, Arc<Source>>,
    bytes: usize,
}

/// Evicted, refused or duplicate values, to be freed outside the lock.
#[derive(Debug, Default)]
pub(super) struct Removed {
    evicted: Vec<Entry>,
    refused: Vec<StoredSpan>,
    equal: Vec<Arc<Source>>,
}

impl Traces {
    pub(super) fn get(&self, id: TraceId) -> Option<&Trace> {
        Some(&self.by_id.get(&id)?.trace)
    }

    /// Returns the traces, the last to arrive first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Trace> {
        self.order.iter().rev().map(|id| &self.by_id[id].trace)
    }

    /// Returns the sources of all spans, each once per trace.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        let entries = self.by_id.values();
        entries.flat_map(|entry| entry.sources.values().map(Arc::as_ref))
    }

    /// Inserts a span and updates the counters.
    pub(super) fn insert(
        &mut self,
        PreparedSpan {
            trace,
            mut span,
            weight,
        }: PreparedSpan,
        limits: Limits,
        inserted: &mut Inserted,
        removed: &mut Removed,
    ) {
        let entry = self.by_id.entry(trace).or_insert_with(|| {
            self.order.push_back(trace);
            Entry::new(trace)
        });
        if entry.span_ids.contains(&span.id) {
            inserted.duplicates += 1;
            removed.refused.push(span);
            return;
        }
        // Every batch has its own copy of a source, which usually equals a stored source.
        let known = entry.sources.get(&span.source.fingerprint);
        let bytes = weight + known.map_or(span.source.weight, |_| 0);
        let full = entry.trace.spans.len() >= limits.spans_per_trace
            || entry.bytes + bytes > limits.bytes_per_trace();
        if full {
            entry.trace.dropped += 1;
            inserted.over_limit += 1;
            removed.refused.push(span);
            self.evict(limits, removed);
            return;
        }
        if let Some(known) = known {
            let equal = std::mem::replace(&mut span.source, Arc::clone(known));
            removed.equal.push(equal);
        } else {
            let fingerprint = span.source.fingerprint;
            entry.sources.insert(fingerprint, Arc::clone(&span.source));
        }
        entry.span_ids.insert(span.id);
        entry.bytes += bytes;
        entry.trace.last_arrival = SystemTime::now();
        entry.trace.spans.push(Arc::new(span));
        self.bytes += bytes;
        inserted.accepted += 1;
        self.evict(limits, removed);
    }

    fn evict(&mut self, limits: Limits, removed: &mut Removed) {
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
            removed.evicted.push(entry);
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
            sources: HashMap::new(),
            bytes: 0,
        }
    }
}
