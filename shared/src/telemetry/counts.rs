//! [`SpanCounts`]: the books of the way out. Every span that ended was exported, is lost, or waits.

use std::fmt;

use serde::Serialize;

/// What became of the spans that this process ended, from its start to now: `ended = exported + lost + waiting`, at every
/// moment.
///
/// For a health endpoint, and for the last line of a log: whoever looks for a trace in vain learns here whether it was lost.
/// All zero where nothing is exported: with `OTEL_TRACES_EXPORTER=none` or `OTEL_SDK_DISABLED=true`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SpanCounts {
    /// Spans that ended and were sampled.
    pub ended: u64,
    /// Spans that the collector took; those of a batch that it said it rejected are not among them.
    pub exported: u64,
    /// Spans that are to be exported still, the ones under way among them.
    pub waiting: u64,
    /// Spans that nobody will see, by reason.
    pub lost: LostSpans,
}

/// How many spans were lost, and why. `Display` names the reasons that there are, as in `3 queue_full, 1 refused`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LostSpans {
    /// No room was left among those that wait.
    pub queue_full: u64,
    /// The collector refused them for good, or rejected them from a batch that it took.
    pub refused: u64,
    /// They could not be written, or the exporter failed on them.
    pub export_failed: u64,
    /// Telemetry was shut down before they could be sent, or before they ended.
    pub shutdown: u64,
    /// One span alone was larger than a batch may be.
    pub too_large: u64,
}

impl LostSpans {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.reasons().iter().map(|(_, spans)| spans).sum()
    }

    /// Each reason's stable name and its number.
    pub(super) fn reasons(&self) -> [(&'static str, u64); 5] {
        [
            ("queue_full", self.queue_full),
            ("refused", self.refused),
            ("export_failed", self.export_failed),
            ("shutdown", self.shutdown),
            ("too_large", self.too_large),
        ]
    }

    /// Those that were lost since `earlier`.
    #[cfg(feature = "otlp")]
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self {
            queue_full: self.queue_full - earlier.queue_full,
            refused: self.refused - earlier.refused,
            export_failed: self.export_failed - earlier.export_failed,
            shutdown: self.shutdown - earlier.shutdown,
            too_large: self.too_large - earlier.too_large,
        }
    }
}

impl fmt::Display for LostSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (reason, spans) in self.reasons().into_iter().filter(|(_, spans)| *spans > 0) {
            write!(f, "{separator}{spans} {reason}")?;
            separator = ", ";
        }
        if separator.is_empty() {
            f.write_str("none")?;
        }
        Ok(())
    }
}
