//! [`Exporter`]: the thread that takes batches from the [`Queue`] and sends them to the collector, one attempt at a time.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use tokio::{runtime::Runtime, time::Instant};
use tracing::{Dispatch, dispatcher, instrument::WithSubscriber as _};

use super::{
    backlog::Backlog,
    batch::Batch,
    export_log::ExportLog,
    panics,
    queue::{Queue, Reason},
    timeout::Timeout,
    transport::{Outcome, Transport},
};

/// The first and the longest wait after a failed attempt. The exporter tries again within two seconds, so it soon
/// notices that the collector is available again.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_millis(1600);
/// The longest wait after a failed attempt during shutdown, which leaves little time.
const LAST_WAIT: Duration = Duration::from_millis(200);
/// The longest delay that a collector can request with `Retry-After`. A longer delay is reduced to this value.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

pub(super) struct Exporter {
    pub(super) queue: Arc<Queue>,
    pub(super) transport: Transport,
    pub(super) export_log: ExportLog,
    pub(super) backlog: Backlog,
    /// Interval after which the open batch is closed and exported, even if it is not full.
    pub(super) delay: Duration,
    pub(super) timeout: Timeout,
}

impl Exporter {
    /// Sends batches until the end of the shutdown. Runs on the exporter's own thread.
    pub(super) fn run(&mut self, runtime: &Runtime) {
        let _failure = Failure(Arc::clone(&self.queue));
        let mut failures = 0;
        while let Some(batch) = runtime.block_on(self.next()) {
            let attempt = AssertUnwindSafe(|| runtime.block_on(self.attempt(&batch)));
            let outcome = match catch_unwind(attempt) {
                Ok(Some(outcome)) => outcome,
                Ok(None) => break,
                // The panic hook has reported the panic. As after an attempt without a response, the collector may have
                // received the spans.
                Err(_) => {
                    let _context = runtime.enter();
                    let _ = panics::contained(|| quietly(|| self.transport.renew()));
                    Outcome::panicked()
                }
            };
            match self.settle(batch, outcome) {
                Next::AtOnce => failures = 0,
                Next::Later { after } => {
                    if !runtime.block_on(self.wait(failures, after)) {
                        break;
                    }
                    failures += 1;
                }
            }
        }
        self.queue.give_up();
        self.export_log.log_final_losses(&self.queue);
        self.queue.closed();
    }

    /// Waits until there is a batch to send, and returns the batch. Returns None at the end of the shutdown.
    async fn next(&mut self) -> Option<Batch> {
        let mut tick = Instant::now() + self.delay;
        if self.backlog.due().is_some_and(|due| due <= Instant::now()) {
            // Closes the open batch, so that newer spans are sent before the deferred batch if the last attempt failed.
            self.queue.close_open();
        }
        loop {
            let now = Instant::now();
            let closing = self.queue.closing().map(Instant::from_std);
            if closing.is_some_and(|deadline| deadline <= now) {
                return None;
            }
            while self.backlog.fill(&self.queue) {}
            if let Some(batch) = self.backlog.next(closing.is_some()) {
                return Some(batch);
            }
            if tick <= now || closing.is_some() {
                let closed = self.queue.close_open();
                if closed {
                    continue;
                }
                if closing.is_some() && self.backlog.is_empty() {
                    return None;
                }
                tick = now + self.delay;
            }
            let until = self.backlog.due().map_or(tick, |due| due.min(tick));
            self.wait_for_change(until).await;
        }
    }

    /// Sends a batch and returns the outcome. Returns None if the shutdown times out during the attempt.
    async fn attempt(&mut self, batch: &Batch) -> Option<Outcome> {
        let request = batch.request(self.queue.head(), self.transport.takes_gzip());
        // If a second attempt gets no response, the batch is dropped. Use the longest timeout for this attempt, unless
        // the collector accepted the previous batch.
        let is_last = batch.tries.unanswered > 0 && !self.backlog.is_available();
        let timeout = if is_last {
            self.timeout.longest()
        } else {
            self.timeout.current
        };
        let began = Instant::now();
        // Discards the `tracing` events of the HTTP or gRPC client: a layer that panics could leave the client in a
        // broken state, and a layer that exports events would cause further exports.
        let send = self.transport.send(request, timeout);
        let mut send = Box::pin(send.with_subscriber(Dispatch::none()));
        let outcome = tokio::select! {
            outcome = &mut send => Some(outcome),
            () = wait_for_close(&self.queue, &mut self.backlog, &mut self.export_log) => None,
        };
        quietly(|| drop(send));
        let outcome = outcome?;
        match &outcome {
            Outcome::Later { silent: true, .. } => self.timeout.grow(),
            Outcome::Later { .. } => {}
            _ => self.timeout.adapt(began.elapsed()),
        }
        Some(outcome)
    }

    /// Handles the outcome of an attempt: counts the spans as exported or lost, or keeps the batch for another attempt.
    fn settle(&mut self, batch: Batch, outcome: Outcome) -> Next {
        let outcome = match outcome {
            Outcome::TooLarge { .. } if batch.spans > 1 => {
                self.backlog.split(batch, &self.queue);
                return Next::AtOnce;
            }
            Outcome::TooLarge {
                reason,
                retryable: false,
            } => {
                self.drop_batch(&batch, |lost| &mut lost.too_large, reason);
                return Next::AtOnce;
            }
            outcome => outcome.indivisible(),
        };
        match outcome {
            Outcome::Taken { rejected, message } => {
                let exported = batch.spans.saturating_sub(rejected);
                self.queue.done(&batch, exported, |lost| &mut lost.refused);
                self.backlog.taken();
                self.export_log
                    .taken(&self.queue, self.backlog.is_empty(), rejected, &message);
                Next::AtOnce
            }
            Outcome::Refused(reason) | Outcome::TooLarge { reason, .. } => {
                self.export_log.refused(&self.queue, &reason);
                self.drop_batch(&batch, |lost| &mut lost.refused, reason);
                Next::AtOnce
            }
            Outcome::Later {
                reason,
                after,
                silent,
                unsent,
            } => {
                self.export_log.failed(&self.queue, &reason);
                let (lost, counter): (_, Reason) = if silent {
                    let lost = self.backlog.unanswered(batch);
                    (lost, |lost| &mut lost.unconfirmed)
                } else {
                    let lost = self.backlog.failed(batch, unsent);
                    (lost, |lost| &mut lost.export_failed)
                };
                if let Some(batch) = lost {
                    self.drop_batch(&batch, counter, reason);
                }
                Next::Later { after }
            }
        }
    }

    fn drop_batch(&mut self, batch: &Batch, counter: Reason, reason: String) {
        self.export_log.lost(reason);
        self.queue.done(batch, 0, counter);
    }

    /// Waits before the next attempt. Returns false if the deadline of the shutdown comes first.
    async fn wait(&mut self, failures: u32, after: Option<Duration>) -> bool {
        let was_closing = self.queue.closing().is_some();
        let bound = if was_closing { LAST_WAIT } else { LONGEST_WAIT };
        let longest = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(failures));
        let own = longest.min(bound).mul_f64(rand::random_range(0.5..=1.0));
        let until = Instant::now() + wait_of(own, after);
        loop {
            let closing = self.queue.closing().map(Instant::from_std);
            let now = Instant::now();
            // On shutdown, retry immediately unless the collector sent `Retry-After`.
            let hurry = closing.is_some() && !was_closing && after.is_none();
            let next = if hurry { now } else { until };
            if closing.is_some_and(|deadline| deadline <= next.max(now)) {
                return false;
            }
            if next <= now {
                return true;
            }
            self.wait_for_change(until).await;
        }
    }

    async fn wait_for_change(&mut self, until: Instant) {
        let (backlog, export_log) = (&mut self.backlog, &mut self.export_log);
        wait_for_change(&self.queue, backlog, export_log, until).await;
    }
}

/// Returns the wait before the next attempt: the longer of the exporter's own wait and the collector's `Retry-After`,
/// which may be zero or, by the clock of this host, a date in the past.
pub(super) fn wait_of(own: Duration, retry_after: Option<Duration>) -> Duration {
    own.max(retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER))
}

/// The next step after an attempt.
enum Next {
    AtOnce,
    /// Wait before the next attempt, for at least the time that the collector requested.
    Later {
        after: Option<Duration>,
    },
}

/// Runs code, such as destructors of the HTTP client, whose `tracing` events reach no layer.
pub(super) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    dispatcher::with_default(&Dispatch::none(), work)
}

/// Closes the queue if the exporter's thread panics.
struct Failure(Arc<Queue>);

impl Drop for Failure {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail();
        }
    }
}

/// Writes the log lines that are due, then moves one closed batch from the queue to the backlog. If there is none,
/// waits until the queue changes or the next log line is due, but not beyond `until`.
async fn wait_for_change(
    queue: &Queue,
    backlog: &mut Backlog,
    export_log: &mut ExportLog,
    until: Instant,
) {
    let until = export_log
        .log_due(queue)
        .map_or(until, |next| until.min(next));
    if backlog.fill(queue) {
        // Yields, so that the caller polls the current attempt, timers and the shutdown before the next batch is moved.
        return tokio::task::yield_now().await;
    }
    tokio::select! {
        () = queue.changed() => {}
        () = tokio::time::sleep_until(until) => {}
    }
}

async fn wait_for_close(queue: &Queue, backlog: &mut Backlog, export_log: &mut ExportLog) {
    loop {
        let far = Instant::now() + Duration::from_hours(1);
        let deadline = queue.closing().map_or(far, Instant::from_std);
        if deadline <= Instant::now() {
            return;
        }
        wait_for_change(queue, backlog, export_log, deadline).await;
    }
}
