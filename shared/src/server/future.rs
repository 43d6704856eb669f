//! [`ResponseFuture`]: the handler runs with the span as current context until it answers. Next: `body`.

use std::{
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

use http::{HeaderValue, Method, Response, StatusCode};
use http_body::Body;
use opentelemetry::{Context, trace::TraceContextExt as _};
use pin_project_lite::pin_project;

use super::{
    ErrorType,
    body::{ResponseBody, content_length},
    span::{End, ServerSpan},
};
use crate::{propagation::traceparent, semconv};

pin_project! {
    /// The response future of [`Trace`](super::Trace).
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Option<F>,
        cx: Context,
        span: Option<ServerSpan>,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            // What the handler drops ends before its parent does, and still in its context.
            let mut this = this.project();
            let _current = this.cx.clone().attach();
            this.inner.set(None);
        }
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, cx: Context, span: Option<ServerSpan>) -> Self {
        Self {
            inner: Some(inner),
            cx,
            span,
        }
    }
}

impl<F> std::fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _current = this.cx.clone().attach();
        let inner = this
            .inner
            .as_pin_mut()
            .expect("a future is not polled after it was dropped");
        let result = ready!(inner.poll(task));
        let span = this.span.take();
        Poll::Ready(match result {
            Ok(response) => Ok(answer(response, this.cx, span)),
            Err(error) => {
                if let Some(span) = span {
                    span.finish(End::Failed(semconv::ERROR_OTHER.into()));
                }
                Err(error)
            }
        })
    }
}

/// Notes the response on the span, names the span in the response, and leaves the end of the span to the body.
fn answer<B: Body>(
    mut response: Response<B>,
    cx: &Context,
    span: Option<ServerSpan>,
) -> Response<ResponseBody<B>> {
    let Some(mut span) = span else {
        return response.map(|body| ResponseBody::new(body, cx.clone(), None, None));
    };
    let status = response.status();
    let error_type = response
        .extensions_mut()
        .remove::<ErrorType>()
        .map(|ErrorType(name)| name);
    span.answered(status, error_type);
    if cx.span().span_context().is_valid() {
        let header = traceparent(cx, cx.span().span_context());
        let header =
            HeaderValue::try_from(header).expect("hex digits and hyphens are a header value");
        response.headers_mut().insert(TRACERESPONSE, header);
    }
    let length = content_length(&response);
    let has_body = !response.body().is_end_stream()
        && length != Some(0)
        && may_have_body(span.method(), status);
    let span = if has_body {
        Some(span)
    } else {
        span.finish(End::Complete);
        None
    };
    response.map(|body| ResponseBody::new(body, cx.clone(), span, length))
}

/// [W3C Trace Context Level 2 has no such header yet](https://w3c.github.io/trace-context/#trace-context-http-response-headers-format):
/// the name and format are those of its editor's draft, which other instrumentations use too.
const TRACERESPONSE: &str = "traceresponse";

/// [RFC 9110, section 6.4.1](https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1): the server drops these bodies unread.
fn may_have_body(method: &Method, status: StatusCode) -> bool {
    let bodiless = status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    *method != Method::HEAD && !bodiless
}
