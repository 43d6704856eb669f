//! Checkout's descriptions of its pitfalls: `GET /pitfalls`, and the response of each form.

use serde::Deserialize;
use viewer::store::TraceId;

/// The list.
#[derive(Deserialize)]
pub(super) struct List {
    pub(super) pitfalls: Vec<Pitfall>,
}

/// A way to lose a trace.
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

/// What a broken form does to its trace.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Harm {
    /// Part of it appears in a separate trace.
    Split,
    /// One of its tasks never ends, so the task's span never arrives.
    Leak {
        /// The service and the name of that span.
        span: String,
    },
    /// It never arrives, since the process has ended.
    Loss,
}

/// The result of one form, as text.
#[derive(Default, Deserialize)]
pub(super) struct Answer {
    pub(super) happened: String,
    #[serde(default)]
    trace_id: String,
    /// The spans that are missing from that trace.
    pub(super) orphans: Vec<Orphan>,
    pub(super) live_tasks: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct Orphan {
    trace_id: String,
    pub(super) span_id: String,
    /// Its service and name.
    pub(super) span: String,
}

impl Answer {
    /// Returns whether the line is a response, not a log line.
    pub(super) fn is_one(line: &str) -> bool {
        serde_json::from_str::<Self>(line).is_ok()
    }

    /// Parses a response. Any other text becomes `happened`, without a trace.
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
