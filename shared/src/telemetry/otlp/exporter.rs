//! [`Exporter`]: the thread that brings spans from the [`Queue`] to the collector, one batch after the other, and tries
//! again until each is taken or refused.

use std::{sync::Arc, time::Duration};

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
        runtime.block_on(async {
            while let Some(batch) = self.next().await {
                self.deliver(&batch).await;
            }
        });
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

    /// Sends a batch as often as it takes, or until telemetry is shut down.
    async fn deliver(&mut self, batch: &Batch) {
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
                return;
            };
            match outcome {
                Outcome::Later {
                    reason,
                    after,
                    silent,
                } => {
                    self.queue.weigh(batch, &request);
                    self.journal.failed(&self.queue, reason);
                    probe = probe || silent;
                    if !self.wait(wait, after).await {
                        return;
                    }
                    wait = LONGEST_WAIT.min(wait * 2);
                }
                Outcome::Taken { .. } | Outcome::Refused(_) if probe => probe = false,
                Outcome::Taken { rejected, message } => {
                    let exported = batch.spans.saturating_sub(rejected);
                    self.queue.done(batch, exported, |lost| &mut lost.refused);
                    return self.journal.taken(&self.queue, &message);
                }
                Outcome::Refused(reason) => {
                    self.queue.done(batch, 0, |lost| &mut lost.refused);
                    return self.journal.refused(&self.queue, reason);
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
        let asked_for = after.map(|after| after.min(LONGEST_RETRY_AFTER));
        let wait = asked_for.unwrap_or_else(|| longest.mul_f64(rand::random_range(0.5..=1.0)));
        let until = Instant::now() + wait;
        let was_closing = self.queue.closing().is_some();
        loop {
            let closing = self.queue.closing().map(Instant::from_std);
            let now = Instant::now();
            if closing.is_some_and(|deadline| deadline <= now.max(until)) {
                return false;
            }
            // Told to end, it tries at once: but not before the time that the collector asked for.
            let hurry = closing.is_some() && !was_closing && asked_for.is_none();
            if until <= now || hurry {
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
    while queue.pack_one(head) {
        // The attempt under way, and the timers, have their turn in between.
        tokio::task::yield_now().await;
    }
    let until = journal.tell(queue).map_or(until, |next| until.min(next));
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
