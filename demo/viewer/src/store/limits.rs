//! The limits of the store, and the counts of what it refused and removed.

/// Limits of the store.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum number of traces; the oldest is removed first.
    pub traces: usize,
    /// Maximum spans of one trace; further spans are refused and counted.
    pub spans_per_trace: usize,
    /// Maximum memory of all traces in bytes; the oldest are removed first. A single trace gets a quarter of it.
    pub bytes: usize,
}

impl Limits {
    pub(super) fn bytes_per_trace(&self) -> usize {
        self.bytes / 4
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            traces: 2_000,
            spans_per_trace: 5_000,
            bytes: 128 * 1024 * 1024,
        }
    }
}

/// The result of inserting a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// Spans stored.
    pub accepted: u64,
    /// Spans that were already stored; not a loss.
    pub duplicates: u64,
    /// Spans refused for an invalid trace id or span id.
    pub invalid: u64,
    /// Spans refused because their trace was full.
    pub over_limit: u64,
}

/// Spans and traces dropped since the store was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Spans refused, for an invalid id or because their trace was full.
    pub refused_spans: u64,
    /// Whole traces removed for newer ones.
    pub evicted_traces: u64,
    /// Spans of the removed traces.
    pub evicted_spans: u64,
}
