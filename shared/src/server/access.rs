//! [`AccessLog`]: the log line of each request, or a custom function in its place.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use http::{Method, StatusCode};
use tracing::{Level, Metadata, callsite::DefaultCallsite, metadata::Kind};

/// Maximum length of a logged method. All registered methods are shorter, and methods are ASCII.
const MAX_METHOD: usize = 32;

/// The end of a request, as passed to the function of [`TraceLayer::access_log_with`](super::TraceLayer::access_log_with).
#[derive(Debug)]
#[non_exhaustive]
pub struct RequestEnd<'a> {
    /// The request's method as sent by the caller, who can send a method of any length.
    pub method: &'a Method,
    /// The route that matched, such as `/orders/{id}`.
    pub route: Option<&'a str>,
    /// The status of the response, if there was one.
    pub status: Option<StatusCode>,
    /// The time from the request's head to the last byte of the response, or to the failure or disconnect that ended
    /// the request earlier.
    pub duration: Duration,
    /// The `error.type` of the request's span: a short name that groups failures.
    pub error_type: Option<&'a str>,
    /// How the request ended.
    pub outcome: Outcome,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The complete response was sent, with a status below 500.
    Served,
    /// The response had a status of 500 or above, or the request panicked, was cut off by a shutdown, or failed while
    /// the body was sent.
    Failed,
    /// The caller disconnected, or an outer layer dropped the request. If [`RequestEnd::status`] is `None`, this
    /// happened before the response, otherwise while the body was sent.
    Abandoned,
}

type Custom = dyn Fn(&RequestEnd<'_>) + Send + Sync;

/// The action at the end of a request: the default log line, a custom function, or none.
#[derive(Clone, Default)]
pub(super) enum AccessLog {
    #[default]
    Line,
    Custom(Arc<Custom>),
    Off,
}

impl AccessLog {
    /// Returns whether the end of a request is logged. A request that has neither log line, span nor metrics is not
    /// tracked.
    pub(super) fn is_written(&self) -> bool {
        match self {
            Self::Line => is_wanted(),
            Self::Custom(_) => true,
            Self::Off => false,
        }
    }

    /// Writes the log line or calls the custom function. Called once per request, in the context of the request's span.
    pub(super) fn write(&self, end: &RequestEnd<'_>) {
        match self {
            Self::Line => line(end),
            // A panic of the custom function is caught, since a second panic during unwinding would abort the process.
            // The panic hook logs the panic.
            Self::Custom(custom) => drop(catch_unwind(AssertUnwindSafe(|| custom(end)))),
            Self::Off => {}
        }
    }
}

/// Returns whether any layer of the `tracing` subscriber is interested in log lines of this module.
///
/// The function reads the interest of a callsite instead of calling `tracing::enabled!`, which would make per-layer
/// filters store a result and apply it to the next span on this thread.
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

/// Writes the default log line of a request.
fn line(end: &RequestEnd<'_>) {
    let &RequestEnd { route, .. } = end;
    let method = short(end.method.as_str());
    let status = end.status.map(|status| status.as_u16());
    // The duration is rounded to microseconds.
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

/// Truncates a method for the log, since callers can send methods of any length.
fn short(method: &str) -> &str {
    method.get(..MAX_METHOD).unwrap_or(method)
}
