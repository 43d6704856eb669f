//! [`ExportLog`]: logs an outage when it begins, once a minute, and when it ends; dropped spans at most once a second.

use std::time::Duration;

use tokio::time::Instant;

use super::{panics, queue::Queue};
use crate::SpanCounts;

/// The `tracing` target of the exporter's log lines: about outages (`WARN`), recoveries (`INFO`) and lost spans (`ERROR`).
pub const LOG_TARGET: &str = "otlp";

/// Minimum time between two lines about dropped spans, and about one outage.
const LOSSES: Duration = Duration::from_secs(1);
const OUTAGE: Duration = Duration::from_mins(1);

pub(super) struct ExportLog {
    /// Protocol and endpoint.
    destination: String,
    outage: Option<Outage>,
    losses: Losses,
}

/// Attempts that fail, or that the collector refuses, and a backlog that does not shrink.
struct Outage {
    began: Instant,
    kind: Kind,
    reason: String,
    lost_before: u64,
    /// Maximum of waiting spans.
    peak: u64,
    /// When it was last logged. A single failed attempt is not logged.
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
    /// Why the last batch was dropped.
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

    /// Records a failed attempt. The second one in a row is logged.
    pub(super) fn failed(&mut self, queue: &Queue, reason: &str) {
        self.not_taken(queue, Kind::Unavailable, reason);
    }

    /// Records that the collector refused a batch for good. The second one in a row is logged.
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

    /// Records why a batch was dropped.
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

    /// Logs outages and losses that are due. Returns the time of the next log line, if any.
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

    /// Logs spans that were dropped at the end of the shutdown.
    pub(super) fn log_final_losses(&mut self, queue: &Queue) {
        let counts = queue.counts();
        if counts.lost != self.losses.logged.lost {
            self.log_losses(&counts);
        }
    }
}

/// Writes a log line. A layer of the user that panics on it does not end the exporter.
fn log(write: impl FnOnce()) {
    let _ = panics::contained(write);
}

fn seconds(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}
