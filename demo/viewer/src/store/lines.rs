//! Stores log lines by trace, in bounded memory. Log lines arrive before the spans of their trace, and some belong to
//! traces whose spans never arrive.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::trace_id::TraceId;
use crate::log_line::LogLine;

/// Maximum memory of all log lines in bytes; the lines of the oldest traces are removed first.
const LIMIT: usize = 32 * 1024 * 1024;
/// Maximum number of log lines of one trace; further lines are dropped.
const LINES_PER_TRACE: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Lines {
    by_trace: HashMap<TraceId, Entry>,
    /// Ids of the traces, in order of their first log line.
    order: VecDeque<TraceId>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Entry {
    lines: Vec<Arc<LogLine>>,
    bytes: usize,
}

impl Lines {
    /// Stores a log line. Returns its trace id if the line was stored.
    pub(super) fn insert(&mut self, line: &LogLine) -> Option<TraceId> {
        let id = line.trace_id()?.parse().ok()?;
        let entry = self.by_trace.entry(id).or_insert_with(|| {
            self.order.push_back(id);
            Entry::default()
        });
        if entry.lines.len() >= LINES_PER_TRACE {
            return None;
        }
        let bytes = line.weight();
        entry.lines.push(Arc::new(line.clone()));
        entry.bytes += bytes;
        self.bytes += bytes;
        while self.bytes > LIMIT
            && let Some(oldest) = self.order.pop_front()
        {
            let entry = self.by_trace.remove(&oldest);
            self.bytes -= entry.map_or(0, |entry| entry.bytes);
        }
        Some(id)
    }

    /// Returns the log lines of a trace, in order of time.
    pub(super) fn of(&self, id: TraceId) -> Vec<Arc<LogLine>> {
        let mut lines = self
            .by_trace
            .get(&id)
            .map_or_else(Vec::new, |e| e.lines.clone());
        // RFC 3339 timestamps in UTC sort in order of time.
        lines.sort_by(|a, b| a.text("timestamp").cmp(&b.text("timestamp")));
        lines
    }

    pub(super) fn count(&self, id: TraceId) -> usize {
        self.by_trace.get(&id).map_or(0, |entry| entry.lines.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(trace: u128, text: &str) -> LogLine {
        let raw = format!(r#"{{"timestamp":"{text}","trace_id":"{trace:032x}"}}"#);
        LogLine::parse("checkout", raw)
    }

    fn id(trace: u128) -> TraceId {
        TraceId::from_bytes(&trace.to_be_bytes()).unwrap()
    }

    #[test]
    fn lines_stand_in_the_order_they_were_written() {
        let mut lines = Lines::default();
        for time in ["2026-01-01T00:00:02Z", "2026-01-01T00:00:01Z"] {
            assert_eq!(lines.insert(&line(1, time)), Some(id(1)));
        }
        let times: Vec<_> = lines
            .of(id(1))
            .iter()
            .map(|l| l.text("timestamp").unwrap().to_owned())
            .collect();
        assert_eq!(times, ["2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"]);
    }

    #[test]
    fn lines_without_trace_are_not_stored() {
        let mut lines = Lines::default();
        let without_trace = LogLine::parse("checkout", r#"{"message":"listening"}"#.to_owned());
        assert_eq!(lines.insert(&without_trace), None);
        assert_eq!(lines.bytes, 0);
    }

    #[test]
    fn oldest_lines_are_evicted_within_trace_limit() {
        let mut lines = Lines::default();
        let large = "x".repeat(1024 * 1024);
        for trace in 1..=20 {
            lines.insert(&line(trace, &large));
        }
        assert!(lines.bytes <= LIMIT);
        assert_eq!((lines.count(id(1)), lines.count(id(20))), (0, 1));
        for _ in 0..=LINES_PER_TRACE {
            lines.insert(&line(30, "short"));
        }
        assert_eq!(lines.count(id(30)), LINES_PER_TRACE);
    }
}
