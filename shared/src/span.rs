//! The current span, whether `tracing` or OpenTelemetry made it: its ids, and how to mark it as failed.

#[cfg_attr(not(feature = "server"), path = "span/no_request.rs")]
pub(crate) mod request;
pub(crate) mod scope;

use std::borrow::Cow;

use opentelemetry::{
    Context, KeyValue,
    trace::{Status, TraceContextExt as _},
};

use crate::{redact, semconv};

/// The id of the current trace as 32 hex digits, or `None` outside of one: for an answer, a mail, a row in a table by which
/// somebody will look for the trace. Log lines and [`problem`](crate::problem)s have it already.
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
///
/// ```
/// # fn charge() -> Result<(), std::io::Error> { Err(std::io::ErrorKind::TimedOut.into()) }
/// #[tracing::instrument]
/// fn charge_payment() -> Result<(), std::io::Error> {
///     charge().inspect_err(|error| shared::span::fail("payment", error.to_string()))
/// }
/// # assert!(charge_payment().is_err());
/// ```
pub fn fail(error_type: impl Into<Cow<'static, str>>, description: impl Into<Cow<'static, str>>) {
    let error_type = error_type.into();
    let description: Cow<'_, str> = redact::text(&description.into()).into_owned().into();
    // A copy: a span of another crate may run any code, such as a log line.
    let cx = Context::current();
    request::failed(&cx, || (error_type.clone(), description.clone()));
    let span = cx.span();
    span.set_attribute(KeyValue::new(semconv::ERROR_TYPE, error_type));
    span.set_status(Status::error(description));
}
