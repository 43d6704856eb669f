//! [`AccessLog`]: the log line of each request, or a custom function in its place.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use http::{Method, StatusCode};
use tracing::{Level, Metadata, callsite::DefaultCallsite, metadata::Kind};

/// Longer than any registered method. The characters of a method are ASCII.
const MAX_METHOD: usize = 32;

/// The end of a request, as passed to the function of [`TraceLayer::access_log_with`](super::TraceLayer::access_log_with).
#[derive(Debug)]
#[non_exhaustive]
pub struct RequestEnd<'a> {
    /// The request's method as sent by the caller. It can be long.
    pub method: &'a Method,
    /// The route that matched, such as `/orders/{id}`.
    pub route: Option<&'a str>,
    /// The status of the response, if there was one.
    pub status: Option<StatusCode>,
    /// The time from the request's head to the last byte of the response, or to an earlier end.
    pub duration: Duration,
    /// The `error.type` of the request's span. Groups failures.
    pub error_type: Option<&'a str>,
    /// The kind of end.
    pub outcome: Outcome,
}

/// The kind of end of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The complete response was sent, with a status below 500.
    Served,
    /// The response had a status from 500 up, or the request panicked, was cut off, or failed within the response.
    Failed,
    /// The caller disconnected, or an outer layer dropped the request: before the response if `status` is `None`, else
    /// within it.
    Abandoned,
}

type Custom = dyn Fn(&RequestEnd<'_>) + Send + Sync;

/// The action at the end of a request.
#[derive(Clone, Default)]
pub(super) enum AccessLog {
    #[default]
    Line,
    Custom(Arc<Custom>),
    Off,
}

impl AccessLog {
    /// Returns whether the end of a request has any effect here. If it has none and there is no span, nothing is tracked.
    pub(super) fn is_written(&self) -> bool {
        match self {
            Self::Line => is_wanted(),
            Self::Custom(_) => true,
            Self::Off => false,
        }
    }

    /// Writes the line. Called once, in the context of the request's span.
    pub(super) fn write(&self, end: &RequestEnd<'_>) {
        match self {
            Self::Line => line(end),
            // During unwinding, a second panic would abort the process. The panic hook logs it.
            Self::Custom(custom) => drop(catch_unwind(AssertUnwindSafe(|| custom(end)))),
            Self::Off => {}
        }
    }
}

/// Returns whether any layer is interested in log lines of this module.
///
/// Reads the interest of a callsite, since `tracing::enabled!` would make per-layer filters store a result that they then
/// apply to the next span on this thread.
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

/// Writes the line of a request. It has trace ids like every line.
fn line(end: &RequestEnd<'_>) {
    let &RequestEnd { route, .. } = end;
    let method = short(end.method.as_str());
    let status = end.status.map(|status| status.as_u16());
    // Rounded to microseconds.
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

/// Returns the start of a method for the log. Callers can send methods of any length.
fn short(method: &str) -> &str {
    method.get(..MAX_METHOD).unwrap_or(method)
}
