//! [`CurrentRequest`]: the last failure and the server span id of the current request.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry::{Context, SpanId};

use crate::internal::clock::Clock;

/// The `error.type` and the description of a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) error_type: Option<Cow<'static, str>>,
    pub(crate) description: Cow<'static, str>,
}

impl Failure {
    /// Creates a failure without a description.
    pub(crate) fn named(error_type: impl Into<Cow<'static, str>>) -> Self {
        Self {
            error_type: Some(error_type.into()),
            ..Self::default()
        }
    }
}

/// A context value that identifies the server span of the current request and stores the last failure of any span of
/// the request. The server span records this failure only if the response fails too.
#[derive(Debug, Clone)]
pub(crate) struct CurrentRequest {
    span_id: SpanId,
    clock: Clock,
    failure: Arc<Mutex<Option<Failure>>>,
}

impl CurrentRequest {
    /// Creates the state of a request. `span_id` and `clock` belong to the server span.
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

/// Records a failure in the request of `cx`, if any. `describe` returns the `error.type` and the description of the
/// failure.
pub(super) fn failed(
    cx: &Context,
    describe: impl FnOnce() -> (Cow<'static, str>, Cow<'static, str>),
) {
    if let Some(request) = cx.get::<CurrentRequest>() {
        let (error_type, description) = describe();
        request.set_failure(Some(Failure {
            error_type: Some(error_type),
            description,
        }));
    }
}

/// Returns the clock that all spans of a request share.
pub(crate) fn clock(cx: &Context) -> Option<Clock> {
    cx.get::<CurrentRequest>().map(|request| request.clock)
}

/// Returns the context for a task that can outlive the request. Failures of the task are not recorded on the server
/// span.
pub(crate) fn left_behind(cx: Context) -> Context {
    match cx.get::<CurrentRequest>() {
        Some(request) => cx.with_value(CurrentRequest::new(request.span_id, request.clock)),
        None => cx,
    }
}

/// Returns whether the span is the server span of the current request. The server layer sets the status of that span,
/// since a panic in the span may be caught and the response may succeed.
#[cfg(feature = "telemetry")]
pub(crate) fn is_request(cx: &Context, span_id: SpanId) -> bool {
    cx.get::<CurrentRequest>()
        .is_some_and(|request| request.span_id == span_id)
}
