//! [`Queue`]: where ended spans wait for their export, bounded in bytes, and the books of what came and went.
//!
//! Spans come one by one, encoded, and leave in batches, oldest first. The batch under way is still in the books as
//! waiting, and its bytes as held: it goes back to nobody, its exporter keeps it until it is taken or lost.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use opentelemetry::InstrumentationScope;
use tokio::sync::Notify;

use super::{batch::Batch, encode::RequestHead, gzip};
use crate::telemetry::{LostSpans, SpanCounts, settings::Batching};

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// For the exporter: there is something to do.
    changed: Notify,
    /// For those who wait for a flush or the end.
    settled: Condvar,
    bounds: Bounds,
}

#[derive(Debug, Clone, Copy)]
struct Bounds {
    bytes: usize,
    spans: u64,
    batch_bytes: usize,
    batch_spans: u64,
}

#[derive(Debug, Default)]
struct State {
    counts: SpanCounts,
    /// Takes the spans that end now.
    open: Batch,
    full: VecDeque<Batch>,
    /// What is allocated for the spans that wait, those under way included.
    bytes: usize,
    /// Of these, what could be packed.
    plain_bytes: usize,
    /// How many spans were let in, and how many of those have left.
    entered: u64,
    left: u64,
    /// What a span takes that waits for long, in bytes.
    packed_size: f64,
    /// Everything that had entered by then is to be sent now.
    flush: u64,
    /// What was lost when the last flush returned.
    lost_at_flush: LostSpans,
    end: End,
    /// The exporter has been woken to say it.
    loss_is_known: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// Those that wait, and those that come, have until then.
    Closing(Instant),
    /// No span is let in.
    Closed,
}

/// The result of a flush.
#[derive(Debug)]
pub(super) struct Flush {
    /// Whether the spans that had ended are exported or lost.
    pub(super) in_time: bool,
    /// The spans lost since the flush before, or since the start.
    pub(super) lost: LostSpans,
}

/// Which of the reasons a loss has.
pub(super) type Reason = fn(&mut LostSpans) -> &mut u64;

/// What waits, for the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) counts: SpanCounts,
    /// For about how many spans like those that wait there is room.
    pub(super) spans_left: f64,
}

impl Queue {
    /// No batch is larger than this, whatever the number of its spans: collectors refuse requests of many megabytes.
    const BATCH_BYTES: usize = 1024 * 1024;

    pub(super) fn new(batching: &Batching) -> Self {
        Self {
            state: Mutex::default(),
            changed: Notify::new(),
            settled: Condvar::new(),
            bounds: Bounds {
                bytes: batching.queue_bytes,
                spans: batching.queue_spans.map_or(u64::MAX, |spans| spans as u64),
                batch_bytes: Self::BATCH_BYTES.min(batching.queue_bytes / 4),
                batch_spans: batching.batch_spans as u64,
            },
        }
    }

    /// Takes a span that has ended, or counts it as lost. Never waits for an export.
    pub(super) fn push(&self, scope: &InstrumentationScope, span: &[u8]) {
        let mut state = self.lock();
        let state = &mut *state;
        state.counts.ended += 1;
        let lost = &mut state.counts.lost;
        let reason = if state.end == End::Closed {
            Some(&mut lost.shutdown)
        } else if span.len() > self.bounds.batch_bytes {
            Some(&mut lost.too_large)
        } else if state.counts.waiting >= self.bounds.spans
            || state.bytes + Batch::growth(span) > self.bounds.bytes
        {
            Some(&mut lost.queue_full)
        } else {
            None
        };
        if let Some(reason) = reason {
            *reason += 1;
            self.wake_for_loss(state);
            return;
        }
        if state.open.length + span.len() > self.bounds.batch_bytes {
            state.close_batch();
            self.changed.notify_one();
        }
        let grown = state.open.push(scope, span);
        state.bytes += grown;
        state.plain_bytes += grown;
        state.counts.waiting += 1;
        state.entered += 1;
        if state.open.spans >= self.bounds.batch_spans {
            state.close_batch();
            self.changed.notify_one();
        }
    }

    /// Counts a span that ended and could not even be written.
    pub(super) fn failed(&self) {
        let mut state = self.lock();
        state.counts.ended += 1;
        state.counts.lost.export_failed += 1;
        self.wake_for_loss(&mut state);
    }

    /// Once for all losses until the next [`account`](Self::account): they are told together anyway.
    fn wake_for_loss(&self, state: &mut State) {
        if !std::mem::replace(&mut state.loss_is_known, true) {
            self.changed.notify_one();
        }
    }

    /// The books, for whoever says what was lost: the next loss will be news again.
    pub(super) fn account(&self) -> SpanCounts {
        let mut state = self.lock();
        state.loss_is_known = false;
        state.counts
    }

    /// The oldest batch, if one is due: full, or wanted by a flush or the end, or because it is `time` anyway.
    pub(super) fn take(&self, time: bool) -> Option<Batch> {
        let mut state = self.lock();
        let state = &mut *state;
        let wanted = time || state.end != End::Open || state.left < state.flush;
        if state.full.is_empty() && wanted && state.open.spans > 0 {
            state.close_batch();
        }
        let batch = state.full.pop_front()?;
        if !batch.is_packed() {
            state.plain_bytes -= batch.bytes;
        }
        Some(batch)
    }

    /// A batch that was taken is done with: this many of its spans were exported, the others are lost for a reason.
    pub(super) fn done(&self, batch: &Batch, exported: u64, reason: Reason) {
        let mut state = self.lock();
        if state.end == End::Closed {
            return; // and counted as lost by whoever could not wait any longer
        }
        state.counts.exported += exported;
        *reason(&mut state.counts.lost) += batch.spans - exported;
        state.counts.waiting -= batch.spans;
        state.bytes -= batch.bytes;
        state.left += batch.spans;
        drop(state);
        self.settled.notify_all();
    }

    /// Compresses one batch of those that wait, if they take more than a quarter of the room as they are. A stay of
    /// some length is the only reason to pay for that.
    pub(super) fn pack_one(&self, head: &RequestHead) -> bool {
        let Some((position, mut batch)) = self.to_pack() else {
            return false;
        };
        let before = batch.bytes;
        batch.pack(head);
        let mut state = self.lock();
        state.packed_size = size_of_one(batch.bytes, batch.spans);
        // Only the exporter takes from the front, and this is the exporter. Gone, it was counted as lost with the others.
        if let Some(place) = state.full.get_mut(position) {
            let after = batch.bytes;
            *place = batch;
            state.bytes = state.bytes + after - before;
        }
        true
    }

    fn to_pack(&self) -> Option<(usize, Batch)> {
        let mut state = self.lock();
        if state.plain_bytes <= self.bounds.bytes / 4 {
            return None;
        }
        let position = state.full.iter().position(|batch| !batch.is_packed())?;
        let batch = std::mem::take(&mut state.full[position]);
        state.plain_bytes -= batch.bytes;
        Some((position, batch))
    }

    /// Looks at what the spans of a batch take once they are packed, to say how long the room will do.
    pub(super) fn weigh(&self, batch: &Batch, request: &[u8]) {
        if self.lock().packed_size == 0.0 {
            let packed = if batch.is_packed() {
                batch.bytes
            } else {
                gzip::pack(request).len()
            };
            self.lock().packed_size = size_of_one(packed, batch.spans);
        }
    }

    /// Returns at the next change that the exporter has to look at.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn room(&self) -> Room {
        let state = self.lock();
        let bytes = self.bounds.bytes.saturating_sub(state.bytes);
        let spans = self.bounds.spans.saturating_sub(state.counts.waiting);
        #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
        let (bytes, spans) = (bytes as f64, spans as f64);
        Room {
            counts: state.counts,
            spans_left: spans.min(bytes / state.packed_size.max(1.0)),
        }
    }

    pub(super) fn counts(&self) -> SpanCounts {
        self.lock().counts
    }

    /// The bound on the number of spans that wait, where there is one.
    pub(super) fn capacity(&self) -> Option<u64> {
        (self.bounds.spans < u64::MAX).then_some(self.bounds.spans)
    }

    /// How long the exporter has, once it is told to end.
    pub(super) fn closing(&self) -> Option<Instant> {
        match self.lock().end {
            End::Open => None,
            End::Closing(deadline) => Some(deadline),
            End::Closed => Some(Instant::now()),
        }
    }

    /// Has everything that waits sent now, and waits for that.
    pub(super) fn flush(&self, timeout: Duration) -> Flush {
        let mut state = self.lock();
        let before = state.lost_at_flush;
        let target = state.entered;
        state.flush = target;
        self.changed.notify_one();
        let pending = |state: &mut State| state.left < target && state.end != End::Closed;
        let (mut state, _) = self
            .settled
            .wait_timeout_while(state, timeout, pending)
            .unwrap_or_else(PoisonError::into_inner);
        state.lost_at_flush = state.counts.lost;
        Flush {
            in_time: state.left >= target || state.end == End::Closed,
            lost: state.counts.lost.since(&before),
        }
    }

    /// Gives what waits this long to be sent, then lets nothing more in. False if something was lost by it.
    pub(super) fn close(&self, timeout: Duration) -> bool {
        let mut state = self.lock();
        let lost = state.counts.lost.shutdown;
        if state.end == End::Open {
            state.end = End::Closing(Instant::now() + timeout);
        }
        self.changed.notify_one();
        // The exporter sees to the deadline itself, and gets a moment to say what it could not send.
        let (mut state, _) = self
            .settled
            .wait_timeout_while(state, timeout + Self::LAST_WORDS, |state| {
                state.end != End::Closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.end = End::Closed;
        state.give_up(|lost| &mut lost.shutdown);
        let all = state.counts.lost.shutdown == lost;
        drop(state);
        self.settled.notify_all();
        all
    }

    const LAST_WORDS: Duration = Duration::from_millis(500);

    /// Counts what is left as lost.
    pub(super) fn give_up(&self) {
        self.lock().give_up(|lost| &mut lost.shutdown);
    }

    /// There is no exporter any more.
    pub(super) fn fail(&self) {
        let mut state = self.lock();
        state.end = End::Closed;
        state.give_up(|lost| &mut lost.export_failed);
        drop(state);
        self.settled.notify_all();
    }

    /// The exporter has nothing more to do or to say.
    pub(super) fn closed(&self) {
        self.lock().end = End::Closed;
        self.settled.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
fn size_of_one(bytes: usize, spans: u64) -> f64 {
    bytes as f64 / spans.max(1) as f64
}

impl State {
    fn close_batch(&mut self) {
        let mut batch = std::mem::take(&mut self.open);
        let spare = batch.close();
        self.bytes -= spare;
        self.plain_bytes -= spare;
        self.full.push_back(batch);
    }

    fn give_up(&mut self, reason: Reason) {
        *reason(&mut self.counts.lost) += self.counts.waiting;
        self.left += self.counts.waiting;
        self.counts.waiting = 0;
        self.full.clear();
        self.open = Batch::default();
        self.bytes = 0;
        self.plain_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::Resource;

    use super::*;

    fn queue(bytes: usize) -> Queue {
        Queue::new(&Batching {
            queue_bytes: bytes,
            queue_spans: None,
            batch_spans: 10,
            delay: Duration::MAX,
            export_timeout: Duration::MAX,
        })
    }

    fn scope() -> InstrumentationScope {
        InstrumentationScope::builder("test").build()
    }

    #[test]
    fn what_waits_for_long_is_packed_and_leaves_as_it_came() {
        let head = RequestHead::new(&Resource::builder_empty().build());
        let (packing, plain) = (queue(1024 * 1024), queue(64 * 1024 * 1024));
        for number in 0..1_000_usize {
            // Two kilobytes each: as they are, five hundred of them would fit.
            let span = [number.to_le_bytes(); 256].concat();
            packing.push(&scope(), &span);
            plain.push(&scope(), &span);
            while packing.pack_one(&head) {}
        }
        assert_eq!(packing.counts().waiting, 1_000);
        assert!(packing.lock().bytes <= 1024 * 1024);
        for _ in 0..100 {
            let [packed, plain] = [&packing, &plain].map(|queue| {
                let batch = queue.take(false).expect("a hundred full batches");
                queue.done(&batch, batch.spans, |lost| &mut lost.refused);
                batch.request(&head, false)
            });
            assert!(packed == plain);
        }
        assert_eq!(packing.counts().exported, 1_000);
        let state = packing.lock();
        assert_eq!((state.bytes, state.plain_bytes), (0, 0));
    }

    #[test]
    fn the_room_is_never_exceeded_and_the_books_balance() {
        let queue = queue(1024 * 1024);
        for _ in 0..10_000 {
            queue.push(&scope(), &[0; 700]);
            assert!(queue.lock().bytes <= 1024 * 1024);
        }
        let counts = queue.counts();
        assert_eq!(counts.waiting + counts.lost.queue_full, 10_000);
        assert!(counts.waiting > 1_200, "{counts:?}");
    }

    #[test]
    fn a_batch_that_is_done_after_the_end_is_not_counted_twice() {
        let queue = queue(1024 * 1024);
        queue.push(&scope(), b"span");
        let batch = queue.take(true).unwrap();
        assert!(!queue.close(Duration::ZERO), "one was lost");
        queue.done(&batch, 1, |lost| &mut lost.refused);
        queue.push(&scope(), b"late");
        let counts = queue.counts();
        assert_eq!((counts.ended, counts.waiting, counts.exported), (2, 0, 0));
        assert_eq!(counts.lost.shutdown, 2);
    }

    #[test]
    fn what_is_given_up_while_it_is_packed_leaves_no_bytes_behind() {
        let head = RequestHead::new(&Resource::builder_empty().build());
        for _ in 0..50 {
            let queue = queue(1024 * 1024);
            for number in 0..300_usize {
                queue.push(&scope(), &[number.to_le_bytes(); 256].concat());
            }
            std::thread::scope(|s| {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a test's thread belongs to no trace"
                )]
                let packing = s.spawn(|| while queue.pack_one(&head) {});
                queue.lock().end = End::Closed;
                queue.close(Duration::ZERO);
                packing.join().unwrap();
            });
            let bytes = queue.lock().bytes;
            assert!(bytes <= 1024 * 1024, "{bytes}");
        }
    }
}
