//! [`Backlog`]: holds the closed batches that the exporter has not delivered yet, and selects the batch to send next.
//!
//! The oldest batch is sent first. A batch that failed a few times is deferred: other batches are sent first, and the
//! pauses between its attempts grow. A failing batch is dropped only if the collector accepted other batches between
//! its attempts, so no batch is dropped while the collector is unreachable. A batch that got no response in time is
//! sent once more and then dropped.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{batch::Batch, queue::Queue};

/// Number of failures after which a batch is deferred, so that other batches are sent first.
const PATIENCE: u32 = 3;
/// A batch is dropped when it has failed this many times directly after the collector accepted another batch. The
/// pauses between these attempts add up to at least ten seconds.
const STRIKES: u32 = 8;
/// Maximum number of attempts to send a batch without a response in time. After each such attempt, the collector may
/// have received the spans.
const DELIVERIES: u32 = 2;
/// The shortest and the longest pause between two attempts to send a deferred batch.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// Batches that are not deferred, oldest first.
    fresh: VecDeque<Batch>,
    /// Batches that failed and are sent again after other batches.
    deferred: Vec<Batch>,
    /// Whether the collector accepted the batch of the last attempt.
    is_available: bool,
}

impl Backlog {
    /// Moves one closed batch from the queue to the backlog, and compresses the batch if uncompressed batches take more
    /// than a quarter of the queue. Returns false if the queue has no closed batch. Moves only one batch, so that the
    /// caller can poll timers and sockets between two batches.
    pub(super) fn fill(&mut self, queue: &Queue) -> bool {
        let Some(mut batch) = queue.take() else {
            return false;
        };
        if queue.is_crowded() {
            let before = batch.bytes;
            batch.pack(queue.head());
            queue.resize(before, false, std::slice::from_ref(&batch));
        }
        self.fresh.push_back(batch);
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.deferred.is_empty()
    }

    pub(super) fn is_available(&self) -> bool {
        self.is_available
    }

    /// Removes and returns the batch to send next. During shutdown, if only deferred batches are left, does not wait
    /// for their pauses.
    pub(super) fn next(&mut self, is_closing: bool) -> Option<Batch> {
        if self.is_available || self.fresh.is_empty() {
            let now = Instant::now();
            let is_due = |batch: &Batch| batch.tries.not_before.is_none_or(|time| time <= now);
            let hurry = is_closing && self.fresh.is_empty();
            let due = self
                .deferred
                .iter()
                .position(|batch| hurry || is_due(batch));
            if let Some(position) = due {
                return Some(self.deferred.remove(position));
            }
        }
        self.fresh.pop_front()
    }

    /// Returns the earliest time at which a deferred batch may be sent again.
    pub(super) fn due(&self) -> Option<Instant> {
        let times = self.deferred.iter().map(|batch| batch.tries.not_before);
        times.flatten().min()
    }

    /// Records that the collector accepted a batch.
    pub(super) fn taken(&mut self) {
        self.is_available = true;
    }

    /// Keeps a failed batch for another attempt, or returns the batch if it must be dropped. `unsent` is true if no
    /// connection was made, which is never due to the batch.
    pub(super) fn failed(&mut self, mut batch: Batch, unsent: bool) -> Option<Batch> {
        let was_available = std::mem::take(&mut self.is_available);
        let tries = &mut batch.tries;
        tries.failures += 1;
        if was_available && !unsent {
            tries.strikes += 1;
        }
        if tries.strikes >= STRIKES {
            return Some(batch);
        }
        if tries.strikes > 1 || (!unsent && tries.failures.is_multiple_of(PATIENCE)) {
            self.defer(batch);
        } else {
            self.put_back(batch);
            self.restore();
        }
        None
    }

    /// Keeps a batch that got no response in time for another attempt, or returns the batch if it must not be sent
    /// again.
    pub(super) fn unanswered(&mut self, mut batch: Batch) -> Option<Batch> {
        self.is_available = false;
        batch.tries.unanswered += 1;
        if batch.tries.unanswered >= DELIVERIES {
            return Some(batch);
        }
        self.defer(batch);
        None
    }

    /// Replaces a batch that is too large for the collector with its two halves.
    pub(super) fn split(&mut self, batch: Batch, queue: &Queue) {
        let (bytes, is_packed) = (batch.bytes, batch.is_packed());
        let halves = batch.split(queue.head());
        queue.resize(bytes, is_packed, &halves);
        let [first, second] = halves;
        self.fresh.push_front(second);
        self.fresh.push_front(first);
    }

    fn defer(&mut self, mut batch: Batch) {
        let factor = 2_u32.saturating_pow(batch.tries.strikes);
        let pause = FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
        batch.tries.not_before = Some(Instant::now() + pause);
        self.deferred.push(batch);
    }

    fn put_back(&mut self, batch: Batch) {
        let newer = |other: &Batch| other.number > batch.number;
        let position = self.fresh.iter().position(newer);
        let position = position.unwrap_or(self.fresh.len());
        self.fresh.insert(position, batch);
    }

    /// Moves deferred batches back into the normal order when another batch fails too, which indicates an outage. A
    /// batch stays deferred if it got no response in time, or if it failed more than once directly after the collector
    /// accepted another batch. One such failure is not evidence against the batch, because every outage begins with
    /// one.
    fn restore(&mut self) {
        let is_innocent =
            |batch: &mut Batch| batch.tries.strikes <= 1 && batch.tries.unanswered == 0;
        let innocent: Vec<Batch> = self.deferred.extract_if(.., is_innocent).collect();
        for batch in innocent {
            self.put_back(batch);
        }
    }
}

#[cfg(test)]
mod tests;
