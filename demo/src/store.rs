//! Keeps received spans by trace, in bounded memory, and lets others wait for them.
//!
//! The receiver writes here; the viewer, its API and the tour read snapshots. Spans arrive in any order, late, and
//! more than once: an exporter that missed the answer sends the same batch again. The log lines of the traces are kept beside
//! them.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{broadcast, watch};

use crate::logs::LogLine;

mod batch;
mod lines;
mod source;
mod trace_id;
mod traces;
mod weight;

use batch::Batch;
use lines::Lines;
use source::Fingerprints;
use traces::{Removed, Traces};

pub use source::Source;
pub use trace_id::{InvalidTraceId, TraceId};

/// The 8 bytes that name a span within its trace.
pub type SpanId = [u8; 8];

/// One span and where it came from.
#[derive(Debug)]
pub struct StoredSpan {
    /// Its id, known to be valid.
    pub id: SpanId,
    /// Its parent's id; none for a root.
    pub parent: Option<SpanId>,
    /// The process and library that made it.
    pub source: Arc<Source>,
    /// The span as it was sent.
    pub span: Span,
}

/// A snapshot of one trace.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its id.
    pub id: TraceId,
    /// Its spans in the order they arrived.
    pub spans: Vec<Arc<StoredSpan>>,
    /// Spans that were refused because the trace was full.
    pub dropped: u64,
    /// When the last span arrived.
    pub last_arrival: SystemTime,
}

impl Trace {
    /// When the earliest span begins, in nanoseconds since 1970.
    pub fn start(&self) -> u64 {
        let starts = self.spans.iter().map(|s| s.span.start_time_unix_nano);
        starts.min().unwrap_or(0)
    }
}

/// How much the store keeps.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Traces; beyond that the oldest goes.
    pub traces: usize,
    /// Spans of one trace; beyond that new ones are refused and counted.
    pub spans_per_trace: usize,
    /// Memory of all traces in bytes; beyond that the oldest go. A single trace gets a quarter of it.
    pub bytes: usize,
}

impl Limits {
    fn bytes_per_trace(&self) -> usize {
        self.bytes / 4
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            traces: 2_000,
            spans_per_trace: 5_000,
            bytes: 128 * 1024 * 1024,
        }
    }
}

/// What became of one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// Spans kept.
    pub accepted: u64,
    /// Spans that were here already; kept once, and no loss.
    pub duplicates: u64,
    /// Spans refused for an invalid trace id or span id.
    pub invalid: u64,
    /// Spans refused because their trace was full.
    pub over_limit: u64,
}

/// What the store has let go since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Spans refused, for an invalid id or because their trace was full.
    pub refused_spans: u64,
    /// Whole traces that made room for newer ones.
    pub evicted_traces: u64,
    /// The spans in them.
    pub evicted_spans: u64,
}

/// The traces; clones share them.
#[derive(Clone, Debug)]
pub struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: Limits,
    fingerprints: Fingerprints,
    traces: Mutex<Traces>,
    lines: Mutex<Lines>,
    changed: watch::Sender<()>,
    /// Which trace has changed, for those who watch several.
    changes: broadcast::Sender<TraceId>,
}

/// Spans inserted before a waiting reader gets its turn.
const SPANS_PER_TURN: usize = 64;

/// How many changes may wait for somebody who watches; who falls behind that is told so.
const CHANGES: usize = 1_024;

/// What a trace looked like: equal as long as nothing was added to it.
pub type Revision = (usize, u64, usize);

impl Store {
    /// An empty store.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared {
            limits,
            fingerprints: Fingerprints::default(),
            traces: Mutex::default(),
            lines: Mutex::default(),
            changed: watch::Sender::default(),
            changes: broadcast::Sender::new(CHANGES),
        }))
    }

    /// Takes in a batch as an exporter sends it.
    ///
    /// Pages read between the spans of a large batch: they never wait until all of it is in.
    pub fn insert(&self, batch: Vec<ResourceSpans>) -> Inserted {
        let batch = Batch::prepare(batch, &self.0.fingerprints);
        let mut inserted = Inserted {
            invalid: batch.invalid,
            ..Inserted::default()
        };
        let mut removed = Removed::default();
        let mut traces = self.traces();
        for (at, span) in batch.spans.into_iter().enumerate() {
            traces.insert(span, self.0.limits, &mut inserted, &mut removed);
            if at % SPANS_PER_TURN == 0 {
                MutexGuard::bump(&mut traces);
            }
        }
        traces.lost.refused_spans += inserted.invalid + inserted.over_limit;
        drop(traces);
        // Freeing large traces takes time, so it happens outside the lock.
        drop(removed);
        self.0.changed.send_replace(());
        for id in batch.traces {
            self.tell(id);
        }
        inserted
    }

    /// Keeps a log line, if it is of a trace.
    pub fn log(&self, line: &LogLine) {
        let kept = self.all_lines().insert(line);
        if let Some(id) = kept {
            self.tell(id);
        }
    }

    /// The log lines of a trace, in the order they were written.
    pub fn lines(&self, id: TraceId) -> Vec<Arc<LogLine>> {
        self.all_lines().of(id)
    }

    /// The traces that change from now on, each as often as it does.
    pub fn changes(&self) -> broadcast::Receiver<TraceId> {
        self.0.changes.subscribe()
    }

    /// All traces and what they look like now, without the cost of a snapshot.
    pub fn revisions(&self) -> Vec<(TraceId, Revision)> {
        let (traces, lines) = (self.traces(), self.all_lines());
        let traces = traces.newest();
        traces
            .map(|trace| {
                (
                    trace.id,
                    (trace.spans.len(), trace.dropped, lines.count(trace.id)),
                )
            })
            .collect()
    }

    /// Nobody watching is no error.
    fn tell(&self, id: TraceId) {
        let _ = self.0.changes.send(id);
    }

    /// The trace as it is now.
    pub fn trace(&self, id: TraceId) -> Option<Trace> {
        self.traces().get(id).cloned()
    }

    /// The `count` traces that arrived last, the one begun last first.
    pub fn recent(&self, count: usize) -> Vec<Trace> {
        let mut recent: Vec<Trace> = self.traces().newest().take(count).cloned().collect();
        // Batches of several processes arrive in another order than their requests began.
        recent.sort_by_cached_key(|trace| Reverse(trace.start()));
        recent
    }

    /// The names of all services that have a span here, sorted.
    pub fn services(&self) -> Vec<String> {
        let traces = self.traces();
        let names: BTreeSet<&str> = traces.sources().map(|s| s.service.as_str()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// What was let go so far.
    pub fn lost(&self) -> Lost {
        self.traces().lost
    }

    /// Waits until the trace is as `wanted`; the caller sets the deadline.
    pub async fn wait_for(&self, id: TraceId, wanted: impl Fn(&Trace) -> bool) -> Trace {
        let mut changed = self.0.changed.subscribe();
        loop {
            if let Some(trace) = self.trace(id).filter(|trace| wanted(trace)) {
                return trace;
            }
            changed
                .changed()
                .await
                .expect("the sender lives as long as this store");
        }
    }

    fn all_lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lines.lock()
    }

    fn traces(&self) -> MutexGuard<'_, Traces> {
        self.0.traces.lock()
    }
}

#[cfg(test)]
mod tests;
