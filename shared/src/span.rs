//! The current span, whether `tracing` or OpenTelemetry made it: its ids, and how to mark it as failed.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry::{
    Context, KeyValue, SpanId,
    trace::{Status, TraceContextExt as _},
};

use crate::{redact, semconv};

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
    failure: Arc<Mutex<Option<Failure>>>,
}

impl CurrentRequest {
    pub(crate) fn new(span_id: SpanId) -> Self {
        Self {
            span_id,
            failure: Arc::default(),
        }
    }

    /// For a task that the request has left behind: what fails in it is none of the request's.
    pub(crate) fn without_its_failure(&self) -> Self {
        Self::new(self.span_id)
    }

    /// Whether a span is the request's own. How that ends is for the server layer to say; a panic in it may be caught, and
    /// the answer a good one.
    pub(crate) fn is(&self, span_id: SpanId) -> bool {
        self.span_id == span_id
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

/// The id of the current trace as 32 hex digits, or `None` outside of one.
pub fn trace_id() -> Option<String> {
    Context::map_current(|cx| {
        let span = cx.span();
        let span_context = span.span_context();
        span_context
            .is_valid()
            .then(|| span_context.trace_id().to_string())
    })
}

/// Marks the current span as failed: status `Error` with `description`, and the attribute `error.type`.
///
/// Within a request the SERVER span takes both over from whichever span below it they were said in, if the answer is a
/// failure too, which is from 500 on: a step that fails in a request that is answered all the same is none of the
/// request. Of several failures the request has the last.
///
/// The secrets of a URL in the description are [redacted](crate::redact::text).
/// `error_type` is a short stable name (`timeout`), never a message: it is what people group by. Call it once in a
/// span of your own. Does nothing outside of a span, and in a [task](crate::task) that has none of its own. See
/// [recording errors](https://opentelemetry.io/docs/specs/semconv/general/recording-errors/).
pub fn fail(error_type: impl Into<Cow<'static, str>>, description: impl Into<Cow<'static, str>>) {
    let error_type = error_type.into();
    let description: Cow<'_, str> = redact::text(&description.into()).into_owned().into();
    Context::map_current(|cx| {
        if let Some(request) = cx.get::<CurrentRequest>() {
            request.set_failure(Some(Failure {
                error_type: Some(error_type.clone()),
                description: description.clone(),
            }));
        }
        let span = cx.span();
        span.set_attribute(KeyValue::new(semconv::ERROR_TYPE, error_type));
        span.set_status(Status::error(description));
    });
}
