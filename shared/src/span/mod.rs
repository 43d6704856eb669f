//! The current span, of `tracing` or OpenTelemetry: its trace id, and a function that marks it as failed.

#[cfg_attr(
    not(feature = "server"),
    expect(dead_code, reason = "only `server` starts requests")
)]
pub(crate) mod request;
pub(crate) mod scope;

use std::borrow::Cow;

use opentelemetry::{
    Context, KeyValue,
    trace::{Status, TraceContextExt as _},
};

use crate::{internal::semconv, redact};

/// Returns the id of the current trace as 32 hex digits, or `None` outside a trace. Useful in responses, mails and
/// database rows that refer to a trace. Log lines and [`problem`](crate::problem)s contain the trace id already.
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
/// If the response has a status of 500 or above, the SERVER span of the request takes over the description and the
/// `error.type` from its child spans. Otherwise the request has handled the failure, and only the current span records
/// it. If this function is called several times, the last call takes precedence.
///
/// Secrets in URLs in the description are [redacted](crate::redact::text). `error_type` is a short stable name for
/// grouping, such as `timeout`, never a message. The call has no effect outside a span, or in a [task](crate::task)
/// without its own span. See [recording errors](https://opentelemetry.io/docs/specs/semconv/general/recording-errors/).
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
    // The current context is copied, not borrowed, since spans of other crates may run any code when they are changed,
    // such as writing a log line.
    let cx = Context::current();
    request::failed(&cx, || (error_type.clone(), description.clone()));
    let span = cx.span();
    span.set_attribute(KeyValue::new(semconv::ERROR_TYPE, error_type));
    span.set_status(Status::error(description));
}
