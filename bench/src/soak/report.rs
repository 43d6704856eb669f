//! [`Report`]: the cost of a fault. The responses, the services' counters, their logs and the arrived spans must agree.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::arrivals::{CaughtUp, Tally};
use super::fault::Fault;
use super::load::Answered;

/// The header of the table that the soak prints.
pub(super) const HEAD: &str = "\
| fault | orders | failed | p50, p99 before | p50, p99 in it and after | spans ended | exported | lost | lost in logs | arrived | twice | incomplete traces | recovered, caught up after | ended within | peak memory |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// The span counters of both services.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    ended: u64,
    exported: u64,
    lost: u64,
    /// Number of lost spans according to log lines.
    pub(super) logged: u64,
    why: Vec<String>,
}

pub(super) struct Report {
    pub(super) fault: Fault,
    /// The time at which the fault began.
    pub(super) began: Instant,
    pub(super) answers: Vec<Answered>,
    pub(super) counters: Counters,
    pub(super) arrived: Tally,
    /// The higher peak memory of the two services, in bytes.
    pub(super) memory: u64,
    /// How fast the spans arrived after an outage of the collector. `None` for other faults.
    pub(super) caught_up: Option<CaughtUp>,
    /// The time from SIGTERM to the end of both services.
    pub(super) took_to_end: Duration,
}

impl Counters {
    /// Adds the span counts in a log line of a service.
    pub(super) fn read(&mut self, line: &Value) {
        let number = |field| line[field].as_u64().unwrap_or(0);
        match line["message"].as_str() {
            Some("stopped") => {
                self.ended += number("spans.ended");
                self.exported += number("spans.exported");
                self.lost += number("spans.lost");
            }
            Some("spans dropped") => {
                self.logged += number("spans");
                self.why.extend(line["why"].as_str().map(str::to_owned));
            }
            _ => {}
        }
    }
}

impl Report {
    pub(super) fn row(&self) -> String {
        let counters = &self.counters;
        let (before, since) = self.latencies();
        let caught_up = self.caught_up.map_or_else(
            || "-".to_owned(),
            |caught_up| format!("{:.1?}, {:.1?}", caught_up.first, caught_up.all),
        );
        let why = if counters.why.is_empty() {
            String::new()
        } else {
            format!(" ({})", counters.why.join("; "))
        };
        format!(
            "| {} | {} | {} | {before} | {since} | {} | {} | {} | {}{why} | {} | {} | {} | {caught_up} | {:.1?} | {} MiB |",
            self.fault.name(),
            self.answers.len(),
            self.failed(),
            counters.ended,
            counters.exported,
            counters.lost,
            counters.logged,
            self.arrived.spans,
            self.arrived.twice,
            self.arrived.incomplete,
            self.took_to_end,
            self.memory / 1024 / 1024,
        )
    }

    /// Returns a sentence for each check that failed.
    pub(super) fn broken(&self) -> Vec<String> {
        let counters = &self.counters;
        let mut broken = Vec::new();
        let mut claim = |kept: bool, sentence: String| {
            if !kept {
                broken.push(sentence);
            }
        };
        claim(
            counters.ended == counters.exported + counters.lost,
            format!(
                "{} spans ended, but {} were exported and {} lost",
                counters.ended, counters.exported, counters.lost
            ),
        );
        claim(
            counters.logged == counters.lost,
            format!(
                "{} spans were lost, but {} logged as lost",
                counters.lost, counters.logged
            ),
        );
        claim(
            self.arrived.spans == counters.exported,
            format!(
                "{} spans were exported, but {} arrived",
                counters.exported, self.arrived.spans
            ),
        );
        if self.fault == Fault::Poison {
            let is_dropped = |why: &String| why.ends_with(" export_failed") && !why.contains(',');
            claim(
                counters.why.iter().all(is_dropped),
                "spans of refused batches were lost for another reason than export_failed"
                    .to_owned(),
            );
        }
        claim(
            self.arrived.early == 0,
            format!(
                "{} requests came before the time in Retry-After",
                self.arrived.early
            ),
        );
        claim(
            self.arrived.most <= 2,
            format!("a span arrived {} times", self.arrived.most),
        );
        if self.fault.is_counted() {
            claim(
                self.arrived.faults > 0,
                "the fault affected no request".to_owned(),
            );
        }
        if self.fault.spares_services() {
            claim(
                self.failed() == 0,
                format!(
                    "{} orders failed, the first with {}",
                    self.failed(),
                    self.first_failure()
                ),
            );
        }
        if !matches!(self.fault, Fault::Flood | Fault::ShutdownAlone) {
            // Only spans of a batch that the collector refused every time may be lost.
            let refused = self.arrived.refused;
            claim(
                counters.lost == refused,
                format!(
                    "{} spans were lost, but {refused} were refused for ever",
                    counters.lost
                ),
            );
            claim(
                (refused > 0) == (self.fault == Fault::Poison),
                format!("the collector refused {refused} spans for ever"),
            );
            claim(
                self.arrived.incomplete == 0,
                format!(
                    "{} placed orders have incomplete traces",
                    self.arrived.incomplete
                ),
            );
        }
        broken
    }

    fn failed(&self) -> usize {
        self.answers
            .iter()
            .filter(|answer| answer.placed.is_none())
            .count()
    }

    fn first_failure(&self) -> &str {
        let mut failures = self
            .answers
            .iter()
            .filter_map(|answer| answer.failure.as_deref());
        failures.next().unwrap_or_default()
    }

    /// Returns the latencies of orders sent before the fault, and of orders sent since its start.
    fn latencies(&self) -> (String, String) {
        let placed = self.answers.iter().filter(|answer| answer.placed.is_some());
        let (since, before): (Vec<&Answered>, _) =
            placed.partition(|answer| answer.sent >= self.began);
        (percentiles(&before), percentiles(&since))
    }
}

fn percentiles(answers: &[&Answered]) -> String {
    let mut took: Vec<Duration> = answers.iter().map(|answer| answer.took).collect();
    took.sort_unstable();
    let at = |percent: usize| took.get(took.len() * percent / 100);
    match (at(50), at(99)) {
        (Some(p50), Some(p99)) => format!("{p50:.1?}, {p99:.1?}"),
        _ => "-".to_owned(),
    }
}
