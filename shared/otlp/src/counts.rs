//! [`SpanCounts`]: counters of export. Every ended span is exported, lost or waiting.

use std::fmt;

use serde::Serialize;

/// Counters of the spans that this process has ended since its start: `ended = exported + lost + waiting` at any time.
///
/// Show them in a health endpoint and in the last line of a log, to find out whether a missing trace was lost. All are zero if
/// nothing is exported.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SpanCounts {
    /// Spans that ended and were sampled.
    pub ended: u64,
    /// Spans that the collector accepted, without those that it rejected from an accepted batch.
    pub exported: u64,
    /// Spans that are not exported yet, including those being sent.
    pub waiting: u64,
    /// Spans that were not delivered as far as is known, by reason.
    pub lost: LostSpans,
}

/// Lost spans by reason. `Display` lists the reasons with at least one span, as in `3 queue_full, 1 refused`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LostSpans {
    /// The queue was full.
    pub queue_full: u64,
    /// The collector refused them permanently, or rejected them from an accepted batch.
    pub refused: u64,
    /// The collector failed on this batch again and again while it took others, or the spans could not be encoded.
    pub export_failed: u64,
    /// Telemetry was shut down before they were sent or before they ended.
    pub shutdown: u64,
    /// One span alone was larger than a batch may be, or than the collector accepts.
    pub too_large: u64,
    /// The collector was sent them twice and did not respond in time. It may have them.
    pub unconfirmed: u64,
}

impl LostSpans {
    /// Returns the sum of all reasons.
    pub fn total(&self) -> u64 {
        self.reasons().map(|(_, spans)| spans).sum()
    }

    /// Returns the stable name of each reason, and its number of spans.
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

    /// Returns the spans lost since `earlier`.
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
