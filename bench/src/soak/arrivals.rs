//! [`Arrived`]: the spans that all collector processes of a fault received.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The number of spans in the trace of an order of `item-123`.
const SPANS: usize = 10;

/// The spans that the collectors received.
#[derive(Clone, Default)]
pub(super) struct Arrived(Arc<Mutex<Arrivals>>);

/// Counts of the spans that arrived.
#[derive(Clone, Copy)]
pub(super) struct Tally {
    pub(super) spans: u64,
    /// Number of repeated arrivals, of spans that had arrived before.
    pub(super) twice: u64,
    /// The highest number of arrivals of a single span.
    pub(super) most: u64,
    /// Number of spans that the collector refused and never accepted.
    pub(super) refused: u64,
    /// Number of placed orders whose traces lack spans other than refused ones.
    pub(super) incomplete: usize,
    /// Number of export requests sent before the time that `Retry-After` allows.
    pub(super) early: u64,
    /// Number of requests that the fault affected.
    pub(super) faults: u64,
}

/// The time from the end of an outage until the first span arrived, and until all buffered spans had arrived.
#[derive(Clone, Copy)]
pub(super) struct CaughtUp {
    pub(super) first: Duration,
    pub(super) all: Duration,
}

#[derive(Default)]
struct Arrivals {
    /// The number of arrivals of each span. The outer key is the trace id, the inner key the span id.
    traces: HashMap<String, HashMap<String, u64>>,
    spans: u64,
    /// Trace id and span id of each span in a refused request.
    refused: HashSet<(String, String)>,
    early: u64,
    faults: u64,
}

impl Arrived {
    /// Records a line that a collector process printed, or the line `fault` from another part of the soak.
    pub(super) fn read(&self, line: &str) {
        let mut arrived = self.lock();
        let mut words = line.split(' ').map(str::to_owned);
        match (words.next().as_deref(), words.next(), words.next()) {
            (Some("taken"), Some(trace), Some(span)) => {
                *arrived
                    .traces
                    .entry(trace)
                    .or_default()
                    .entry(span)
                    .or_default() += 1;
                arrived.spans += 1;
            }
            (Some("refused"), Some(trace), Some(span)) => {
                arrived.refused.insert((trace, span));
            }
            (Some("early"), ..) => arrived.early += 1,
            (Some("fault"), ..) => arrived.faults += 1,
            _ => {}
        }
    }

    /// Waits until `spans` more spans have arrived, for at most a minute.
    pub(super) async fn catch_up(self, since: Instant, spans: u64) -> CaughtUp {
        let before = self.lock().spans;
        let mut first = None;
        let mut pause = tokio::time::interval(Duration::from_millis(5));
        while since.elapsed() < Duration::from_mins(1) {
            let more = self.lock().spans - before;
            if more > 0 {
                first.get_or_insert_with(|| since.elapsed());
            }
            if more >= spans {
                break;
            }
            pause.tick().await;
        }
        let all = since.elapsed();
        CaughtUp {
            first: first.unwrap_or(all),
            all,
        }
    }

    /// Counts the arrived spans, and the placed orders whose traces are incomplete.
    pub(super) fn tally<'a>(&self, placed: impl Iterator<Item = &'a str>) -> Tally {
        let arrived = self.lock();
        let traces = &arrived.traces;
        let spans = traces.values().map(|spans| spans.len() as u64).sum();
        let mut refused: HashMap<&str, usize> = HashMap::new();
        for trace in arrived.refused() {
            *refused.entry(trace).or_default() += 1;
        }
        let is_whole = |trace: &&str| {
            let taken = traces.get(*trace).map_or(0, HashMap::len);
            taken + refused.get(*trace).copied().unwrap_or(0) == SPANS
        };
        Tally {
            spans,
            twice: arrived.spans - spans,
            most: traces
                .values()
                .flat_map(HashMap::values)
                .copied()
                .max()
                .unwrap_or(0),
            refused: refused.values().map(|spans| *spans as u64).sum(),
            incomplete: placed.filter(|trace| !is_whole(trace)).count(),
            early: arrived.early,
            faults: arrived.faults,
        }
    }

    /// Returns the number of spans that the collector has refused so far and not accepted later.
    pub(super) fn refused(&self) -> u64 {
        self.lock().refused().count() as u64
    }

    fn lock(&self) -> MutexGuard<'_, Arrivals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrivals {
    /// Returns the trace id of each span that was refused and never accepted.
    fn refused(&self) -> impl Iterator<Item = &str> {
        let has_arrived = |trace, span| {
            let spans: Option<&HashMap<String, u64>> = self.traces.get(trace);
            spans.is_some_and(|spans| spans.contains_key(span))
        };
        let refused = self.refused.iter();
        let refused = refused.filter(move |(trace, span)| !has_arrived(trace, span));
        refused.map(|(trace, _)| trace.as_str())
    }
}
