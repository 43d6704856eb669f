//! [`Queue`]: collects ended spans into batches, bounded in bytes, and counts every span.
//!
//! Encoded spans are pushed one by one. The exporter takes each closed batch and keeps it until its spans are exported
//! or lost. Until then, the spans count as waiting, and the bytes of the batch as used.

mod end;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
};

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;
use tokio::sync::Notify;

use self::end::End;
use super::{batch::Batch, encode::RequestHead, settings::Batching};
use crate::{LostSpans, SpanCounts};

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Wakes the exporter's thread when the queue changes.
    changed: Notify,
    /// Wakes the threads that wait in `flush` or `close`.
    settled: Condvar,
    bounds: Bounds,
    /// The encoded resource, which precedes the spans in each request. Empty until the resource is known.
    head: OnceLock<RequestHead>,
}

#[derive(Debug, Clone, Copy)]
struct Bounds {
    bytes: usize,
    spans: u64,
    /// Maximum size of a request before compression, in bytes.
    request_bytes: usize,
    batch_spans: u64,
}

#[derive(Debug, Default)]
struct State {
    counts: SpanCounts,
    /// The open batch, to which newly ended spans are added.
    open: Batch,
    /// Closed batches that the exporter has not taken yet, oldest first.
    closed: VecDeque<Batch>,
    /// Sequence number for the next batch that is closed.
    next: u64,
    /// For each closed batch, by its number: the number of spans that are neither exported nor lost yet.
    unsettled: BTreeMap<u64, u64>,
    /// Bytes of memory that are allocated for all batches, including the batches that the exporter has taken.
    bytes: usize,
    /// Bytes of memory that are allocated for the batches that are not compressed.
    plain_bytes: usize,
    /// Number of lost spans, by reason, when the last flush returned.
    lost_at_flush: LostSpans,
    end: End,
    /// Whether the exporter has already been woken to log the latest lost spans.
    loss_is_known: bool,
}

/// Selects the counter for the reason why a span was lost.
pub(super) type Reason = fn(&mut LostSpans) -> &mut u64;

impl Queue {
    /// Maximum size of a request before compression, in bytes. By default, nginx accepts request bodies of up to 1 MiB,
    /// which for gRPC include a message header of 5 bytes.
    const REQUEST_BYTES: usize = 1024 * 1024 - 16;

    pub(super) fn new(batching: &Batching) -> Self {
        Self {
            state: Mutex::default(),
            changed: Notify::new(),
            settled: Condvar::new(),
            bounds: Bounds {
                bytes: batching.queue_bytes,
                spans: batching.queue_spans.map_or(u64::MAX, |spans| spans as u64),
                request_bytes: Self::REQUEST_BYTES.min(batching.queue_bytes / 4),
                batch_spans: batching.batch_spans as u64,
            },
            head: OnceLock::new(),
        }
    }

    /// Sets the resource of all requests, unless it has already been set.
    pub(super) fn set_resource(&self, resource: &Resource) {
        self.head.get_or_init(|| RequestHead::new(resource));
    }

    /// Returns the encoded resource that precedes the spans in each request. If no resource was set, this is the SDK's
    /// default resource.
    pub(super) fn head(&self) -> &RequestHead {
        self.head
            .get_or_init(|| RequestHead::new(&Resource::builder().build()))
    }

    /// Returns the maximum size of a batch in bytes, without the resource.
    fn batch_bytes(&self) -> usize {
        let request_bytes = self.bounds.request_bytes;
        let batch_bytes = request_bytes.saturating_sub(self.head().length());
        // A batch may always take a quarter of the maximum request size. With a very large resource, requests exceed
        // that size, but spans are not dropped as too large.
        batch_bytes.max(request_bytes / 4)
    }

    /// Adds an ended span to the open batch, or counts the span as lost. Does not wait for an export.
    pub(super) fn push(&self, scope: &InstrumentationScope, span: &[u8]) {
        let mut state = self.lock();
        state.counts.ended += 1;
        if let Err(reason) = self.accept(&mut state, scope, span) {
            *reason(&mut state.counts.lost) += 1;
            self.wake_for_loss(&mut state);
        }
    }

    fn accept(
        &self,
        state: &mut State,
        scope: &InstrumentationScope,
        span: &[u8],
    ) -> Result<(), Reason> {
        if state.end == End::Closed {
            return Err(|lost| &mut lost.shutdown);
        }
        let batch_bytes = self.batch_bytes();
        let mut length = state.open.length_with(scope, span);
        if length > batch_bytes && state.open.spans > 0 {
            self.close_batch(state);
            length = state.open.length_with(scope, span);
        }
        if length > batch_bytes {
            return Err(|lost| &mut lost.too_large);
        }
        if state.counts.waiting >= self.bounds.spans {
            return Err(|lost| &mut lost.queue_full);
        }
        let available = self.bounds.bytes.saturating_sub(state.bytes);
        let grown = state.open.push(scope, span, available);
        let grown = grown.ok_or::<Reason>(|lost| &mut lost.queue_full)?;
        state.bytes += grown;
        state.plain_bytes += grown;
        state.counts.waiting += 1;
        if state.open.spans >= self.bounds.batch_spans {
            self.close_batch(state);
        }
        Ok(())
    }

    fn close_batch(&self, state: &mut State) {
        let mut batch = std::mem::take(&mut state.open);
        let spare = batch.close();
        state.bytes -= spare;
        state.plain_bytes -= spare;
        batch.number = state.next;
        state.next += 1;
        state.unsettled.insert(batch.number, batch.spans);
        state.closed.push_back(batch);
        self.changed.notify_one();
    }

    /// Counts an ended span that could not be encoded.
    pub(super) fn failed(&self) {
        let mut state = self.lock();
        state.counts.ended += 1;
        state.counts.lost.export_failed += 1;
        self.wake_for_loss(&mut state);
    }

    /// Wakes the exporter to log a lost span, unless an earlier loss has woken the exporter since the last call of
    /// [`account`](Self::account).
    fn wake_for_loss(&self, state: &mut State) {
        if !std::mem::replace(&mut state.loss_is_known, true) {
            self.changed.notify_one();
        }
    }

    /// Returns the span counters for a log line. After this call, the next lost span wakes the exporter again.
    pub(super) fn account(&self) -> SpanCounts {
        let mut state = self.lock();
        state.loss_is_known = false;
        state.counts
    }

    /// Removes and returns the oldest closed batch.
    pub(super) fn take(&self) -> Option<Batch> {
        self.lock().closed.pop_front()
    }

    /// Closes the open batch before it is full, for example because the export delay has passed. Returns false if the
    /// open batch has no spans.
    pub(super) fn close_open(&self) -> bool {
        let mut state = self.lock();
        let has_spans = state.open.spans > 0;
        if has_spans {
            self.close_batch(&mut state);
        }
        has_spans
    }

    /// Returns whether uncompressed batches take more than a quarter of the queue's bound in bytes.
    pub(super) fn is_crowded(&self) -> bool {
        self.lock().plain_bytes > self.bounds.bytes / 4
    }

    /// Updates the used bytes after a batch of `before` bytes was replaced by the batches in `after`, which have the
    /// same spans.
    pub(super) fn resize(&self, before: usize, was_packed: bool, after: &[Batch]) {
        let mut state = self.lock();
        if state.end == End::Closed {
            return; // A closed queue has counted all its spans as lost.
        }
        let bytes: usize = after.iter().map(|batch| batch.bytes).sum();
        let plain: usize = after.iter().map(plain_bytes).sum();
        let plain_before = if was_packed { 0 } else { before };
        state.bytes = state.bytes + bytes - before;
        state.plain_bytes = state.plain_bytes + plain - plain_before;
    }

    /// Settles a batch: counts `exported` of its spans as exported and the remaining spans as lost.
    pub(super) fn done(&self, batch: &Batch, exported: u64, reason: Reason) {
        let mut state = self.lock();
        if state.end == End::Closed {
            return; // A closed queue has counted all its spans as lost.
        }
        let exported = exported.min(batch.spans);
        state.counts.exported += exported;
        *reason(&mut state.counts.lost) += batch.spans - exported;
        state.counts.waiting -= batch.spans;
        state.bytes -= batch.bytes;
        state.plain_bytes -= plain_bytes(batch);
        if let Some(spans) = state.unsettled.get_mut(&batch.number) {
            *spans -= batch.spans;
            if *spans == 0 {
                state.unsettled.remove(&batch.number);
            }
        }
        drop(state);
        self.settled.notify_all();
    }

    /// Waits for the next change of the queue that concerns the exporter.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn counts(&self) -> SpanCounts {
        self.lock().counts
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn plain_bytes(batch: &Batch) -> usize {
    if batch.is_packed() { 0 } else { batch.bytes }
}

#[cfg(test)]
mod tests;
