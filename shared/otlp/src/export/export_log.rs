//! [`ExportLog`]: logs an outage when it begins, every minute while it lasts, and when it ends. Logs dropped spans at
//! most once a second.

use std::time::Duration;

use tokio::time::Instant;

use super::{panics, queue::Queue};
use crate::SpanCounts;

/// The `tracing` target of the exporter's log lines: about outages (`WARN`), recoveries (`INFO`) and lost spans (`ERROR`).
pub const LOG_TARGET: &str = "otlp";

/// Interval of the log lines about dropped spans (`LOSSES`), and about an ongoing outage (`OUTAGE`).
const LOSSES: Duration = Duration::from_secs(1);
const OUTAGE: Duration = Duration::from_mins(1);

pub(super) struct ExportLog {
    /// Protocol and endpoint of the collector, for the log.
    destination: String,
    outage: Option<Outage>,
    losses: Losses,
}

/// A period in which attempts fail or the collector refuses batches. Once an outage has been logged, it ends when the
/// collector accepts a batch and the number of waiting spans has fallen to half of its peak, or no other batch is
/// waiting.
struct Outage {
    began: Instant,
    kind: Kind,
    reason: String,
    lost_before: u64,
    /// Maximum number of spans that waited during the outage.
    peak: u64,
    /// When the outage was last logged. `None` after a single failed attempt, which is not logged.
    logged: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Unavailable,
    Refuses,
}

struct Losses {
    logged: SpanCounts,
    at: Option<Instant>,
    /// Why the last batch was dropped or partly rejected.
    reason: Option<String>,
}

impl ExportLog {
    pub(super) fn new(destination: String) -> Self {
        Self {
            destination,
            outage: None,
            losses: Losses {
                logged: SpanCounts::default(),
                at: None,
                reason: None,
            },
        }
    }

    /// Records a failed attempt to export a batch. The second failure in a row is logged as an outage.
    pub(super) fn failed(&mut self, queue: &Queue, reason: &str) {
        self.not_taken(queue, Kind::Unavailable, reason);
    }

    /// Records that the collector refused a batch permanently. The second failure or refusal in a row is logged as an
    /// outage.
    pub(super) fn refused(&mut self, queue: &Queue, reason: &str) {
        self.not_taken(queue, Kind::Refuses, reason);
    }

    fn not_taken(&mut self, queue: &Queue, kind: Kind, reason: &str) {
        let counts = queue.counts();
        let Some(outage) = &mut self.outage else {
            self.outage = Some(Outage {
                began: Instant::now(),
                kind,
                reason: reason.to_owned(),
                lost_before: counts.lost.total(),
                peak: counts.waiting,
                logged: None,
            });
            return;
        };
        reason.clone_into(&mut outage.reason);
        outage.peak = outage.peak.max(counts.waiting);
        if outage.logged.is_none() || outage.kind != kind {
            outage.kind = kind;
            self.log_outage(&counts);
        }
    }

    /// Records that the collector accepted a batch. `is_last` is true if no other batch is waiting.
    pub(super) fn taken(&mut self, queue: &Queue, is_last: bool, rejected: u64, message: &str) {
        let counts = queue.counts();
        if let Some(outage) = &self.outage
            && (outage.logged.is_none() || is_last || counts.waiting <= outage.peak / 2)
        {
            self.end_outage(&counts);
        }
        if rejected > 0 {
            self.losses.reason = Some(format!("it rejected them: {message}"));
        } else if !message.is_empty() {
            log(|| {
                tracing::warn!(
                    target: LOG_TARGET,
                    exporter = self.destination,
                    said = message,
                    "collector took spans with a warning"
                );
            });
        }
    }

    /// Records why a batch was dropped, for the next log line about dropped spans.
    pub(super) fn lost(&mut self, reason: String) {
        self.losses.reason = Some(reason);
    }

    fn end_outage(&mut self, counts: &SpanCounts) {
        let Some(outage) = self.outage.take_if(|outage| outage.logged.is_some()) else {
            self.outage = None;
            return;
        };
        log(|| {
            tracing::info!(
                target: LOG_TARGET,
                exporter = self.destination,
                lasted = seconds(outage.began.elapsed()),
                spans.waiting = counts.waiting,
                spans.lost = counts.lost.total() - outage.lost_before,
                "collector available again"
            );
        });
    }

    fn log_outage(&mut self, counts: &SpanCounts) {
        let Some(outage) = &mut self.outage else {
            return;
        };
        outage.logged = Some(Instant::now());
        let since = seconds(outage.began.elapsed());
        let lost = counts.lost.total() - outage.lost_before;
        let (exporter, reason) = (&*self.destination, &*outage.reason);
        let waiting = counts.waiting;
        log(|| match outage.kind {
            Kind::Unavailable => tracing::warn!(
                target: LOG_TARGET,
                exporter,
                reason,
                since,
                spans.waiting = waiting,
                spans.lost = lost,
                "collector unavailable, buffering spans"
            ),
            Kind::Refuses => tracing::warn!(
                target: LOG_TARGET,
                exporter,
                reason,
                since,
                spans.waiting = waiting,
                spans.lost = lost,
                "collector refuses spans"
            ),
        });
    }

    /// Logs an ongoing outage and dropped spans if their log lines are due. Returns when the next log line is due, if
    /// any.
    pub(super) fn log_due(&mut self, queue: &Queue) -> Option<Instant> {
        let now = Instant::now();
        let counts = queue.counts();
        let losses = self.log_due_losses(queue, &counts, now);
        let outage = self.log_due_outage(&counts, now);
        losses.into_iter().chain(outage).min()
    }

    fn log_due_losses(
        &mut self,
        queue: &Queue,
        counts: &SpanCounts,
        now: Instant,
    ) -> Option<Instant> {
        if counts.lost == self.losses.logged.lost {
            return None;
        }
        let due = self.losses.at.map_or(now, |at| at + LOSSES);
        if due > now {
            return Some(due);
        }
        self.log_losses(&queue.account());
        self.losses.at = Some(now);
        None
    }

    fn log_losses(&mut self, counts: &SpanCounts) {
        let lost = counts.lost.since(&self.losses.logged.lost);
        let reason = self.losses.reason.take();
        let outage = self.outage.as_ref().map(|outage| outage.reason.clone());
        let reason = reason.or(outage);
        self.losses.logged = *counts;
        log(|| {
            tracing::error!(
                target: LOG_TARGET,
                exporter = self.destination,
                spans = lost.total(),
                why = %lost,
                reason,
                spans.lost = counts.lost.total(),
                "spans dropped"
            );
        });
    }

    fn log_due_outage(&mut self, counts: &SpanCounts, now: Instant) -> Option<Instant> {
        let logged = self.outage.as_ref()?.logged?;
        if now < logged + OUTAGE {
            return Some(logged + OUTAGE);
        }
        self.log_outage(counts);
        Some(now + OUTAGE)
    }

    /// Logs the dropped spans that have not been logged yet, at the end of the shutdown.
    pub(super) fn log_final_losses(&mut self, queue: &Queue) {
        let counts = queue.counts();
        if counts.lost != self.losses.logged.lost {
            self.log_losses(&counts);
        }
    }
}

/// Writes a log line. The exporter's thread continues if a `tracing` layer of the application panics.
fn log(write: impl FnOnce()) {
    let _ = panics::contained(write);
}

fn seconds(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}
