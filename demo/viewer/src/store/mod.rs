//! Stores received spans by trace, in bounded memory, and notifies readers of changes.
//!
//! The receiver writes to the store; the viewer, its API and the tour read snapshots. Spans arrive in any order, late,
//! and more than once, since an exporter resends a batch if it did not get a response. The store also contains the log
//! lines of the traces.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{broadcast, watch};

use crate::log_line::LogLine;

mod batch;
mod limits;
mod lines;
mod source;
mod trace;
mod trace_id;
mod traces;
mod weight;

use batch::Batch;
use lines::Lines;
use source::Fingerprints;
use traces::{Removed, Traces};

pub use limits::{Inserted, Limits, Lost};
pub use source::Source;
pub use trace::{SpanId, StoredSpan, Trace};
pub use trace_id::{InvalidTraceId, TraceId};

/// The received traces. Clones share the traces.
#[derive(Clone, Debug)]
pub struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: Limits,
    fingerprints: Fingerprints,
    traces: Mutex<Traces>,
    lines: Mutex<Lines>,
    changed: watch::Sender<()>,
    /// Notifies readers of changed traces.
    changes: broadcast::Sender<TraceId>,
}

/// Number of spans inserted before a waiting reader gets access to the store.
const SPANS_PER_TURN: usize = 64;

/// Capacity of the notification channel. A reader that falls behind is notified that it missed changes.
const CHANGES: usize = 1_024;

/// The version of a trace, which changes when a span or a log line is added or a span is refused.
pub(crate) type Revision = (usize, u64, usize);

impl Store {
    /// Creates an empty store.
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

    /// Inserts a batch as an exporter sends it.
    ///
    /// During the insertion of a large batch, readers can access the store.
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
        // Frees removed traces outside the lock, since freeing large traces takes time.
        drop(removed);
        self.0.changed.send_replace(());
        for id in batch.traces {
            self.tell(id);
        }
        inserted
    }

    /// Stores a log line if it belongs to a trace.
    pub fn log(&self, line: &LogLine) {
        let kept = self.all_lines().insert(line);
        if let Some(id) = kept {
            self.tell(id);
        }
    }

    /// Returns the log lines of a trace, in order of time.
    pub fn lines(&self, id: TraceId) -> Vec<Arc<LogLine>> {
        self.all_lines().of(id)
    }

    /// Returns a channel that receives the ids of traces that change from now on.
    pub fn changes(&self) -> broadcast::Receiver<TraceId> {
        self.0.changes.subscribe()
    }

    /// Returns the ids and versions of all traces, without the cost of snapshots.
    pub(crate) fn revisions(&self) -> Vec<(TraceId, Revision)> {
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

    /// Notifies readers of a changed trace. A missing receiver is not an error.
    fn tell(&self, id: TraceId) {
        let _ = self.0.changes.send(id);
    }

    /// Returns a snapshot of the trace.
    pub fn trace(&self, id: TraceId) -> Option<Trace> {
        self.traces().get(id).cloned()
    }

    /// Returns the `count` latest traces, newest start first.
    pub fn recent(&self, count: usize) -> Vec<Trace> {
        let mut recent: Vec<Trace> = self.traces().newest().take(count).cloned().collect();
        // Batches of several processes do not arrive in the order in which their requests started.
        recent.sort_by_cached_key(|trace| Reverse(trace.start()));
        recent
    }

    /// Returns the names of all services with spans, sorted.
    pub fn services(&self) -> Vec<String> {
        let traces = self.traces();
        let names: BTreeSet<&str> = traces.sources().map(|s| s.service.as_str()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Returns the counts of dropped spans and traces.
    pub fn lost(&self) -> Lost {
        self.traces().lost
    }

    /// Waits until the trace satisfies the condition `wanted`. The caller sets the deadline.
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
