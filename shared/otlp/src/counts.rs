//! [`SpanCounts`]: counts ended, exported, lost and waiting spans. Every ended span is exported, lost or waiting.

use std::fmt;

use serde::Serialize;

/// Counters of the spans that this process has ended since its start: `ended = exported + lost + waiting` at any time.
///
/// Show these counters in a health endpoint and in the last log line of the process, to find out whether a missing
/// trace was lost. All counters are zero if export is disabled.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SpanCounts {
    /// Spans that ended and were sampled.
    pub ended: u64,
    /// Spans that the collector accepted. Spans that it rejected from an otherwise accepted batch are not included.
    pub exported: u64,
    /// Spans that wait for export, including the spans being sent.
    pub waiting: u64,
    /// Spans that were dropped, or sent without a confirmation, by reason.
    pub lost: LostSpans,
}

/// Lost spans by reason. `Display` lists the reasons with at least one span, as in `3 queue_full, 1 refused`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LostSpans {
    /// Spans that ended while the queue was full.
    pub queue_full: u64,
    /// Spans that the collector refused permanently, or rejected from an otherwise accepted batch.
    pub refused: u64,
    /// Spans of a batch that failed repeatedly while the collector accepted other batches, and spans that could not be
    /// encoded.
    pub export_failed: u64,
    /// Spans that were not exported before the shutdown timed out, or that ended after the shutdown.
    pub shutdown: u64,
    /// Spans that alone exceed the maximum size of a batch, or the maximum request size of the collector.
    pub too_large: u64,
    /// Spans that were sent twice without a response in time. The collector may have received them.
    pub unconfirmed: u64,
}

impl LostSpans {
    /// Returns the total number of lost spans.
    pub fn total(&self) -> u64 {
        self.reasons().map(|(_, spans)| spans).sum()
    }

    /// Iterates over all reasons: the stable name of each reason, and the number of spans lost for it.
    pub fn reasons(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        [
            ("queue_full", self.queue_full),
            ("refused", self.refused),
            ("export_failed", self.export_failed),
            ("shutdown", self.shutdown),
            ("too_large", self.too_large),
            ("unconfirmed", self.unconfirmed),
        ]
        .into_iter()
    }

    /// Returns the number of spans lost since `earlier` was read, by reason.
    #[cfg(feature = "http")]
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            queue_full: self.queue_full - earlier.queue_full,
            refused: self.refused - earlier.refused,
            export_failed: self.export_failed - earlier.export_failed,
            shutdown: self.shutdown - earlier.shutdown,
            too_large: self.too_large - earlier.too_large,
            unconfirmed: self.unconfirmed - earlier.unconfirmed,
        }
    }
}

impl fmt::Display for LostSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (reason, spans) in self.reasons().filter(|(_, spans)| *spans > 0) {
            write!(f, "{separator}{spans} {reason}")?;
            separator = ", ";
        }
        if separator.is_empty() {
            f.write_str("none")?;
        }
        Ok(())
    }
}
