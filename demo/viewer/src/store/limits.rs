//! The limits of the store, and the numbers of refused and removed spans and traces.

/// Limits of the store.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum number of traces; the oldest is removed first.
    pub traces: usize,
    /// Maximum spans of one trace; further spans are refused and counted.
    pub spans_per_trace: usize,
    /// Maximum memory of all traces in bytes; the oldest traces are removed first. A single trace may use a quarter of
    /// this memory.
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
    /// Number of stored spans.
    pub accepted: u64,
    /// Number of spans that were already stored, so that ignoring them loses nothing.
    pub duplicates: u64,
    /// Number of spans refused for an invalid trace id or span id.
    pub invalid: u64,
    /// Number of spans refused because their trace was full.
    pub over_limit: u64,
}

/// Numbers of spans and traces dropped since the store was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Number of spans refused for an invalid id or because their trace was full.
    pub refused_spans: u64,
    /// Number of traces removed to make room for newer traces.
    pub evicted_traces: u64,
    /// Number of spans in the removed traces.
    pub evicted_spans: u64,
}
