//! [`AccessLog`]: the one line that a request leaves in the log, or what is done in its place.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use http::{Method, StatusCode};
use tracing::{Level, Metadata, callsite::DefaultCallsite, metadata::Kind};

/// Longer than any registered method; the characters of a method are ASCII.
const MAX_METHOD: usize = 32;

/// How a request ended: what [`TraceLayer::access_log_with`](super::TraceLayer::access_log_with) gives to a log of one's own.
#[derive(Debug)]
#[non_exhaustive]
pub struct RequestEnd<'a> {
    /// The request's method, as the caller spells it: it may be long.
    pub method: &'a Method,
    /// The route that matched, such as `/orders/{id}`.
    pub route: Option<&'a str>,
    /// The answer's status, if there was an answer.
    pub status: Option<StatusCode>,
    /// From the request's head to the last byte of the answer, or to whatever was the end.
    pub duration: Duration,
    /// The `error.type` of the request's span: what a failure is grouped by.
    pub error_type: Option<&'a str>,
    /// Which of the ends it was.
    pub outcome: Outcome,
}

/// Which end a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was answered to the last byte, with a status below 500.
    Served,
    /// It was answered with 500 or more, or it panicked, was cut off, or broke within the answer.
    Failed,
    /// Its caller went away, or a layer above dropped it: before the answer where there is no status, or within it.
    Abandoned,
}

type Custom = dyn Fn(&RequestEnd<'_>) + Send + Sync;

/// What is done at the end of a request.
#[derive(Clone, Default)]
pub(super) enum AccessLog {
    #[default]
    Line,
    Custom(Arc<Custom>),
    Off,
}

impl AccessLog {
    /// Whether anybody takes what would be written. A request that has no span either needs nothing of it.
    pub(super) fn is_written(&self) -> bool {
        match self {
            Self::Line => is_wanted(),
            Self::Custom(_) => true,
            Self::Off => false,
        }
    }

    /// Called in the context of the request's span, once.
    pub(super) fn write(&self, end: &RequestEnd<'_>) {
        match self {
            Self::Line => line(end),
            // It may be called while its thread unwinds, where a second panic would end the process. The hook tells it.
            Self::Custom(custom) => drop(catch_unwind(AssertUnwindSafe(|| custom(end)))),
            Self::Off => {}
        }
    }
}

/// Whether a line of this module gets anywhere, as its callsite knows.
///
/// `tracing::enabled!` would ask the filters, which keep their answer for what comes next on this thread: a span, which they
/// then lose.
fn is_wanted() -> bool {
    static LINE: DefaultCallsite = DefaultCallsite::new(&METADATA);
    static METADATA: Metadata<'static> = tracing::metadata! {
        name: "access",
        target: module_path!(),
        level: Level::ERROR,
        fields: &[],
        callsite: &LINE,
        kind: Kind::EVENT,
    };
    !LINE.interest().is_never()
}

/// One line a request, with the trace ids that every line gets.
fn line(end: &RequestEnd<'_>) {
    let &RequestEnd { route, .. } = end;
    let method = short(end.method.as_str());
    let status = end.status.map(|status| status.as_u16());
    // To the microsecond.
    let duration_ms = (end.duration.as_secs_f64() * 1e6).round() / 1e3;
    let message = match (end.outcome, status) {
        (Outcome::Abandoned, None) => "request abandoned before the answer",
        (Outcome::Abandoned, Some(_)) => "request abandoned within the answer",
        _ => "request served",
    };
    if let Some(error_type) = end.error_type {
        tracing::error!(method, route, status, duration_ms, error.type = error_type, "request failed");
    } else {
        tracing::info!(method, route, status, duration_ms, "{message}");
    }
}

/// A method as the log names it: a caller may send a word of a hundred thousand letters.
fn short(method: &str) -> &str {
    method.get(..MAX_METHOD).unwrap_or(method)
}
