//! What a fault cost, by four accounts that have to agree: the answers, the services' books, their log, and what arrived.

use std::time::{Duration, Instant};

use super::Fault;
use super::collector::{CaughtUp, Tally};
use super::load::Answered;
use crate::logs::LogLine;

/// The row above the rows.
pub(super) const HEAD: &str = "\
| fault | orders | failed | p50, p99 before | p50, p99 in it and after | spans ended | exported | lost | told lost | arrived | twice | incomplete traces | found, caught up after | ended within | peak memory |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// What both services say of their spans.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    ended: u64,
    exported: u64,
    lost: u64,
    /// Losses reported in log lines.
    told: u64,
    why: Vec<String>,
}

pub(super) struct Report {
    pub(super) fault: Fault,
    /// When the fault did.
    pub(super) began: Instant,
    pub(super) answers: Vec<Answered>,
    pub(super) books: Books,
    pub(super) arrived: Tally,
    /// The most that one of the services has had, in bytes.
    pub(super) memory: u64,
    /// Times around an outage of the collector.
    pub(super) caught_up: Option<CaughtUp>,
    /// From SIGTERM to the end of both services.
    pub(super) took_to_end: Duration,
}

impl Books {
    pub(super) fn read(&mut self, line: &LogLine) {
        match line.text("message") {
            Some("stopped") => {
                self.ended += line.number("spans.ended");
                self.exported += line.number("spans.exported");
                self.lost += line.number("spans.lost");
            }
            Some("spans dropped") => {
                self.told += line.number("spans");
                self.why.extend(line.text("why").map(str::to_owned));
            }
            _ => {}
        }
    }
}

impl Report {
    pub(super) fn row(&self) -> String {
        let books = &self.books;
        let (before, since) = self.latencies();
        let caught_up = self.caught_up.map_or_else(
            || "-".to_owned(),
            |caught_up| format!("{:.1?}, {:.1?}", caught_up.first, caught_up.all),
        );
        let why = if books.why.is_empty() {
            String::new()
        } else {
            format!(" ({})", books.why.join("; "))
        };
        format!(
            "| {} | {} | {} | {before} | {since} | {} | {} | {} | {}{why} | {} | {} | {} | {caught_up} | {:.1?} | {} MiB |",
            self.fault.name(),
            self.answers.len(),
            self.failed(),
            books.ended,
            books.exported,
            books.lost,
            books.told,
            self.arrived.spans,
            self.arrived.twice,
            self.arrived.incomplete,
            self.took_to_end,
            self.memory / 1024 / 1024,
        )
    }

    /// Broken promises, one sentence each.
    pub(super) fn broken(&self) -> Vec<String> {
        let books = &self.books;
        let mut broken = Vec::new();
        let mut claim = |kept: bool, sentence: String| {
            if !kept {
                broken.push(sentence);
            }
        };
        claim(
            books.ended == books.exported + books.lost,
            "the counters do not balance".to_owned(),
        );
        claim(
            books.told == books.lost,
            format!(
                "{} spans were lost, and {} reported",
                books.lost, books.told
            ),
        );
        claim(
            self.arrived.spans == books.exported,
            format!(
                "{} spans were exported, and {} arrived",
                books.exported, self.arrived.spans
            ),
        );
        claim(
            self.arrived.early == 0,
            format!(
                "{} requests came before the time that was asked for",
                self.arrived.early
            ),
        );
        if self.fault.spares_services() {
            claim(
                self.failed() == 0,
                format!("{} orders failed", self.failed()),
            );
        }
        if !matches!(self.fault, Fault::Flood | Fault::ShutdownAlone) {
            claim(books.lost == 0, format!("{} spans were lost", books.lost));
            claim(
                self.arrived.incomplete == 0,
                format!(
                    "{} placed orders have no whole trace",
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

    /// Before the fault, and from its start on.
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
