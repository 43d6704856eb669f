//! [`Exporter`]: the thread that brings spans from the [`Queue`] to the collector, one batch after the other, and tries
//! again until each is taken or refused.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::{runtime::Runtime, time::Instant};

use super::{
    batch::Batch,
    encode::RequestHead,
    journal::Journal,
    queue::Queue,
    transport::{Outcome, Transport},
};

/// The first wait after an attempt that failed, and the longest. A collector that is back is found within two seconds.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_millis(1600);
/// The longest at the end, where the time for all attempts is short.
const LAST_WAIT: Duration = Duration::from_millis(200);
/// A collector may ask for this much and no more.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

pub(super) struct Exporter {
    pub(super) queue: Arc<Queue>,
    pub(super) head: RequestHead,
    pub(super) transport: Transport,
    pub(super) journal: Journal,
    /// From one export of what there is to the next.
    pub(super) delay: Duration,
}

impl Exporter {
    /// Runs until the queue is closed, on its own thread.
    pub(super) fn run(mut self, runtime: &Runtime) {
        let _failure = Failure(Arc::clone(&self.queue));
        while let Some(batch) = runtime.block_on(self.next()) {
            let deliver = AssertUnwindSafe(|| runtime.block_on(self.deliver(&batch)));
            match catch_unwind(deliver) {
                Ok(true) => {}
                Ok(false) => break,
                // The panic is in the log. It may have been about these spans, and is no reason to lose the others.
                Err(_) => self.queue.done(&batch, 0, |lost| &mut lost.export_failed),
            }
        }
        self.queue.give_up();
        self.journal.last_words(&self.queue);
        self.queue.closed();
    }

    /// The next batch, or None where there is nothing left to do.
    async fn next(&mut self) -> Option<Batch> {
        let mut tick = Instant::now() + self.delay;
        loop {
            let now = Instant::now();
            let closing = self.queue.closing().map(Instant::from_std);
            if closing.is_some_and(|deadline| deadline <= now) {
                return None;
            }
            let batch = self.queue.take(tick <= now);
            if batch.is_some() || closing.is_some() {
                return batch;
            }
            if tick <= now {
                tick = now + self.delay;
            }
            self.tend(tick).await;
        }
    }

    /// Sends a batch as often as it takes. False where telemetry is shut down before: there is no time for any other either.
    async fn deliver(&mut self, batch: &Batch) -> bool {
        let request = batch.request(&self.head, self.transport.takes_gzip());
        let mut wait = FIRST_WAIT;
        // After a silence nobody knows whether the spans have arrived. An empty request finds out when somebody
        // listens again, and brings nothing twice.
        let mut probe = false;
        loop {
            let sent = if probe {
                self.nothing()
            } else {
                request.clone()
            };
            let Some(outcome) = self.attempt(sent).await else {
                return false;
            };
            match outcome.indivisible() {
                Outcome::Later {
                    reason,
                    after,
                    silent,
                } => {
                    self.queue.weigh(batch, &request);
                    self.journal.failed(&self.queue, reason);
                    probe = probe || silent;
                    if !self.wait(wait, after).await {
                        return false;
                    }
                    wait = LONGEST_WAIT.min(wait * 2);
                }
                Outcome::Taken { .. } | Outcome::Refused(_) | Outcome::TooLarge { .. } if probe => {
                    probe = false;
                }
                Outcome::Taken { rejected, message } => {
                    let exported = batch.spans.saturating_sub(rejected);
                    self.queue.done(batch, exported, |lost| &mut lost.refused);
                    self.journal.taken(&self.queue, rejected, &message);
                    return true;
                }
                Outcome::Refused(reason) | Outcome::TooLarge { reason, .. } => {
                    self.queue.done(batch, 0, |lost| &mut lost.refused);
                    self.journal.refused(&self.queue, reason);
                    return true;
                }
            }
        }
    }

    /// A request without spans.
    fn nothing(&self) -> Bytes {
        Batch::default().request(&self.head, self.transport.takes_gzip())
    }

    /// One attempt, or None where the time for all of them is up.
    async fn attempt(&mut self, request: Bytes) -> Option<Outcome> {
        let (queue, head, journal) = (&self.queue, &self.head, &mut self.journal);
        tokio::select! {
            outcome = self.transport.send(request) => Some(outcome),
            () = tend_until_closed(queue, head, journal) => None,
        }
    }

    /// Waits before the next attempt. False where there will be none.
    async fn wait(&mut self, longest: Duration, after: Option<Duration>) -> bool {
        let was_closing = self.queue.closing().is_some();
        let longest = if was_closing {
            longest.min(LAST_WAIT)
        } else {
            longest
        };
        let own = longest.mul_f64(rand::random_range(0.5..=1.0));
        // It may ask for none at all, or for a time that has passed by its own clock.
        let wait = own.max(after.unwrap_or_default().min(LONGEST_RETRY_AFTER));
        let until = Instant::now() + wait;
        loop {
            let closing = self.queue.closing().map(Instant::from_std);
            let now = Instant::now();
            // Told to end, it tries at once: but not before the time that the collector asked for.
            let hurry = closing.is_some() && !was_closing && after.is_none();
            let next = if hurry { now } else { until };
            if closing.is_some_and(|deadline| deadline <= next.max(now)) {
                return false;
            }
            if next <= now {
                return true;
            }
            self.tend(until).await;
        }
    }

    async fn tend(&mut self, until: Instant) {
        tend(&self.queue, &self.head, &mut self.journal, until).await;
    }
}

/// Says that nobody exports any more, should this thread panic.
struct Failure(Arc<Queue>);

impl Drop for Failure {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail();
        }
    }
}

/// Does what there is to do beside sending, then waits for the next change, at most until then.
async fn tend(queue: &Queue, head: &RequestHead, journal: &mut Journal, until: Instant) {
    let until = journal.tell(queue).map_or(until, |next| until.min(next));
    if queue.pack_one(head) {
        // One at a time: the attempt under way, the timers and the end have their turn in between.
        return tokio::task::yield_now().await;
    }
    tokio::select! {
        () = queue.changed() => {}
        () = tokio::time::sleep_until(until) => {}
    }
}

async fn tend_until_closed(queue: &Queue, head: &RequestHead, journal: &mut Journal) {
    loop {
        let far = Instant::now() + Duration::from_hours(1);
        let deadline = queue.closing().map_or(far, Instant::from_std);
        if deadline <= Instant::now() {
            return;
        }
        tend(queue, head, journal, deadline).await;
    }
}
