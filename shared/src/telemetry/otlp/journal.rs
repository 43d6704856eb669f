//! [`Journal`]: what the log says of exports. An outage is told once, when it begins, once a minute, and when it is over; a
//! loss when it happens.

use std::time::Duration;

use tokio::time::Instant;

use super::queue::{Queue, Room};
use crate::telemetry::{SpanCounts, panics::contained};

/// The target of its lines, all of which are written whatever `RUST_LOG` says.
#[cfg(feature = "logs")]
pub(in crate::telemetry) const TARGET: &str = module_path!();

/// Losses that follow one another are told together, this often.
const LOSSES: Duration = Duration::from_secs(1);
const OUTAGE: Duration = Duration::from_mins(1);
/// The rate of ended spans is that of the last minute or two.
const RATE: Duration = Duration::from_mins(1);

pub(super) struct Journal {
    /// Where spans go, for people.
    destination: String,
    outage: Option<Outage>,
    losses: Losses,
    rate: Rate,
}

struct Outage {
    began: Instant,
    reason: String,
    lost_before: u64,
    /// When it was last told. One attempt that fails is none yet: the next may be taken.
    told: Option<Instant>,
}

struct Losses {
    told: SpanCounts,
    at: Option<Instant>,
    /// Why the collector refused what it refused last.
    refusal: String,
}

/// How many spans end in a second, lately.
struct Rate {
    begin: (Instant, u64),
    before: Option<(Instant, u64)>,
}

impl Journal {
    pub(super) fn new(destination: String) -> Self {
        let now = Instant::now();
        Self {
            destination,
            outage: None,
            losses: Losses {
                told: SpanCounts::default(),
                at: None,
                refusal: String::new(),
            },
            rate: Rate {
                begin: (now, 0),
                before: None,
            },
        }
    }

    /// An attempt failed, and will be made again. The second one in a row is an outage.
    pub(super) fn failed(&mut self, queue: &Queue, reason: String) {
        let now = Instant::now();
        let room = queue.room();
        let Some(outage) = &mut self.outage else {
            self.outage = Some(Outage {
                began: now,
                reason,
                lost_before: room.counts.lost.total(),
                told: None,
            });
            return;
        };
        outage.reason = reason;
        if outage.told.is_none() {
            outage.told = Some(now);
            contained(|| {
                tracing::warn!(
                    exporter = self.destination,
                    reason = outage.reason,
                    spans.waiting = room.counts.waiting,
                    lasts = self.rate.lasts(&room, now),
                    "the collector does not take spans: they wait"
                );
            });
        }
    }

    /// The collector took a batch, with or without a word about it.
    pub(super) fn taken(&mut self, queue: &Queue, rejected: u64, message: &str) {
        self.over(queue);
        if rejected > 0 {
            self.losses.refusal = format!("it rejected them: {message}");
        } else if !message.is_empty() {
            contained(|| {
                tracing::warn!(
                    exporter = self.destination,
                    said = message,
                    "the collector took the spans, with a warning"
                );
            });
        }
    }

    /// The collector refused a batch for good.
    pub(super) fn refused(&mut self, queue: &Queue, reason: String) {
        self.over(queue);
        self.losses.refusal = reason;
    }

    /// The collector has answered.
    fn over(&mut self, queue: &Queue) {
        if let Some(outage) = self.outage.take()
            && outage.told.is_some()
        {
            let counts = queue.counts();
            contained(|| {
                tracing::info!(
                    exporter = self.destination,
                    lasted = seconds(outage.began.elapsed()),
                    spans.waiting = counts.waiting,
                    spans.lost = counts.lost.total() - outage.lost_before,
                    "the collector takes spans again"
                );
            });
        }
    }

    /// Says what is to be said now; gives when there will be more.
    pub(super) fn tell(&mut self, queue: &Queue) -> Option<Instant> {
        let now = Instant::now();
        let room = queue.room();
        self.rate.measure(now, room.counts.ended);
        let losses = self.tell_losses(queue, &room.counts, now);
        let outage = self.tell_outage(&room, now);
        losses.into_iter().chain(outage).min()
    }

    fn tell_losses(&mut self, queue: &Queue, counts: &SpanCounts, now: Instant) -> Option<Instant> {
        if counts.lost == self.losses.told.lost {
            return None;
        }
        let due = self.losses.at.map_or(now, |at| at + LOSSES);
        if due > now {
            return Some(due);
        }
        self.say_losses(&queue.account());
        self.losses.at = Some(now);
        None
    }

    fn say_losses(&mut self, counts: &SpanCounts) {
        let lost = counts.lost.since(&self.losses.told.lost);
        let reason = if lost.refused > 0 {
            Some(self.losses.refusal.as_str())
        } else {
            self.outage.as_ref().map(|outage| outage.reason.as_str())
        };
        contained(|| {
            tracing::error!(
                exporter = self.destination,
                spans = lost.total(),
                why = %lost,
                reason,
                spans.lost = counts.lost.total(),
                "spans are lost"
            );
        });
        self.losses.told = *counts;
    }

    fn tell_outage(&mut self, room: &Room, now: Instant) -> Option<Instant> {
        let lasts = self.rate.lasts(room, now);
        let outage = self.outage.as_mut()?;
        let told = outage.told?;
        if now < told + OUTAGE {
            return Some(told + OUTAGE);
        }
        contained(|| {
            tracing::warn!(
                exporter = self.destination,
                reason = outage.reason,
                since = seconds(now - outage.began),
                spans.waiting = room.counts.waiting,
                spans.lost = room.counts.lost.total() - outage.lost_before,
                lasts,
                "the collector still does not take spans"
            );
        });
        outage.told = Some(now);
        Some(now + OUTAGE)
    }

    /// Says what was lost at the very end.
    pub(super) fn last_words(&mut self, queue: &Queue) {
        let counts = queue.counts();
        if counts.lost != self.losses.told.lost {
            self.say_losses(&counts);
        }
    }
}

impl Rate {
    fn measure(&mut self, now: Instant, ended: u64) {
        if now - self.begin.0 >= RATE {
            self.before = Some(std::mem::replace(&mut self.begin, (now, ended)));
        }
    }

    fn per_second(&self, now: Instant, ended: u64) -> f64 {
        let (since, before) = self.before.unwrap_or(self.begin);
        let seconds = (now - since).as_secs_f64().max(1.0);
        #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
        let spans = ended.saturating_sub(before) as f64;
        spans / seconds
    }

    /// How long the room that is left will do, at this rate and for spans like those that wait.
    fn lasts(&self, room: &Room, now: Instant) -> String {
        const DAY: f64 = 24.0 * 60.0 * 60.0;
        let rate = self.per_second(now, room.counts.ended);
        let spans = room.spans_left;
        if spans >= rate * DAY {
            "more than a day".to_owned()
        } else {
            seconds(Duration::from_secs_f64(spans / rate))
        }
    }
}

fn seconds(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}
