//! What is known, beside a server span, of the request that it stands for. Without the cargo feature `server` nothing is
//! (`no_request`).

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry::{Context, SpanId};

use crate::clock::Clock;

/// What went wrong: the name that people group by, where there is one, and the words for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) error_type: Option<Cow<'static, str>>,
    pub(crate) description: Cow<'static, str>,
}

impl Failure {
    /// One that its name says all of.
    pub(crate) fn named(error_type: impl Into<Cow<'static, str>>) -> Self {
        Self {
            error_type: Some(error_type.into()),
            ..Self::default()
        }
    }
}

/// A context value beside a server span, for all that happens below it: which span that is, and what failed in its
/// request so far, in whichever span. Whoever knows better overwrites it, and the answer decides whether it counts.
#[derive(Debug, Clone)]
pub(crate) struct CurrentRequest {
    span_id: SpanId,
    clock: Clock,
    failure: Arc<Mutex<Option<Failure>>>,
}

impl CurrentRequest {
    /// `clock` is the one of the span.
    pub(crate) fn new(span_id: SpanId, clock: Clock) -> Self {
        Self {
            span_id,
            clock,
            failure: Arc::default(),
        }
    }

    pub(crate) fn set_failure(&self, failure: Option<Failure>) {
        self.update_failure(|it| *it = failure);
    }

    pub(crate) fn update_failure(&self, update: impl FnOnce(&mut Option<Failure>)) {
        update(&mut self.failure.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn failure(&self) -> Option<Failure> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone()
    }
}

/// Something failed in the request that `cx` belongs to: its name, and the words for it.
pub(super) fn failed(cx: &Context, what: impl FnOnce() -> (Cow<'static, str>, Cow<'static, str>)) {
    if let Some(request) = cx.get::<CurrentRequest>() {
        let (error_type, description) = what();
        request.set_failure(Some(Failure {
            error_type: Some(error_type),
            description,
        }));
    }
}

/// The clock that all spans of a request share.
pub(crate) fn clock(cx: &Context) -> Option<Clock> {
    cx.get::<CurrentRequest>().map(|request| request.clock)
}

/// The context of a task that the request has left behind: what fails in it is none of the request's.
pub(crate) fn left_behind(cx: Context) -> Context {
    match cx.get::<CurrentRequest>() {
        Some(request) => cx.with_value(CurrentRequest::new(request.span_id, request.clock)),
        None => cx,
    }
}

/// Whether a span is the request's own. How that ends is for the server layer to say; a panic in it may be caught, and the
/// answer a good one.
#[cfg(feature = "telemetry")]
pub(crate) fn is_request(cx: &Context, span_id: SpanId) -> bool {
    cx.get::<CurrentRequest>()
        .is_some_and(|request| request.span_id == span_id)
}
