//! Parses checkout's descriptions of its pitfalls: the response of `GET /pitfalls`, and the response of each variant.

use serde::Deserialize;
use viewer::store::TraceId;

/// The response of `GET /pitfalls`.
#[derive(Deserialize)]
pub(super) struct List {
    pub(super) pitfalls: Vec<Pitfall>,
}

/// A mistake that breaks a trace.
#[derive(Deserialize)]
pub(in crate::tour) struct Pitfall {
    pub(in crate::tour) name: String,
    pub(super) mistake: String,
    pub(super) looks: String,
    pub(super) harm: Harm,
    pub(super) instead: String,
    pub(super) source: String,
    pub(super) broken: String,
    pub(super) fixed: String,
}

/// The effect of a broken variant on its trace.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Harm {
    /// Part of the trace appears in a separate trace.
    Split,
    /// A task of the request never ends, so the task's span never arrives.
    Leak {
        /// Service and name of the span that never arrives.
        span: String,
    },
    /// The trace never arrives, since the process exits without exporting its spans.
    Loss,
}

/// The result of running one variant of a pitfall.
#[derive(Default, Deserialize)]
pub(super) struct Answer {
    pub(super) happened: String,
    #[serde(default)]
    trace_id: String,
    /// The spans that are missing from the trace with the id `trace_id`.
    pub(super) orphans: Vec<Orphan>,
    pub(super) live_tasks: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct Orphan {
    trace_id: String,
    pub(super) span_id: String,
    /// Service and name of the span.
    pub(super) span: String,
}

impl Answer {
    /// Returns whether the output line is a response rather than a log line.
    pub(super) fn is_one(line: &str) -> bool {
        serde_json::from_str::<Self>(line).is_ok()
    }

    /// Parses a response. Any other text is stored in `happened`, without a trace id.
    pub(super) fn read(text: String) -> Self {
        serde_json::from_str(&text).unwrap_or_else(|_| Self {
            happened: text,
            ..Self::default()
        })
    }

    pub(super) fn trace_id(&self) -> Option<TraceId> {
        self.trace_id.parse().ok()
    }
}

impl Orphan {
    pub(super) fn trace_id(&self) -> Option<TraceId> {
        self.trace_id.parse().ok()
    }
}
