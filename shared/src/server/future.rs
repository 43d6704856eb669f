//! [`ResponseFuture`]: runs the handler with the span as current span. The module `body` handles the response's body.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body::Body;
use opentelemetry::trace::TraceContextExt as _;
use pin_project_lite::pin_project;

use super::{
    body::{ResponseBody, content_length},
    options::Options,
    span::{End, ServerSpan},
};
use crate::{internal::semconv, propagation::traceparent, span::scope::Scope};

pin_project! {
    /// The response future of [`Trace`](super::Trace).
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Option<F>,
        // `None` after the response body has taken over the scope.
        scope: Option<Scope>,
        span: Option<ServerSpan>,
        // `None` if this layer does not trace the request.
        options: Option<Arc<Options>>,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            // The handler's future is dropped in the request's context, so that code in destructors belongs to the
            // trace and runs before the server span ends.
            let mut this = this.project();
            let _current = this.scope.as_ref().map(Scope::attach);
            ServerSpan::set_runs(this.span, true);
            this.inner.set(None);
            ServerSpan::set_runs(this.span, false);
        }
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(
        inner: F,
        scope: Scope,
        span: Option<ServerSpan>,
        options: Option<Arc<Options>>,
    ) -> Self {
        Self {
            inner: Some(inner),
            scope: Some(scope),
            span,
            options,
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
        let mut this = self.project();
        let scope = this.scope.as_ref().expect(POLLED_AGAIN);
        let current = scope.enter();
        let inner = this.inner.as_mut().as_pin_mut().expect(POLLED_AGAIN);
        // Kept in a local variable, so that a panic of the handler ends the span at once, even if the panic is caught
        // and this future is dropped later.
        let mut span = this.span.take();
        ServerSpan::set_runs(&mut span, true);
        let Poll::Ready(result) = inner.poll(task) else {
            ServerSpan::set_runs(&mut span, false);
            *this.span = span;
            return Poll::Pending;
        };
        this.inner.set(None);
        Poll::Ready(match result {
            Ok(response) => {
                let options = this.options.take();
                let (response, span, length) = match options {
                    Some(options) => answer(response, span, scope, &options),
                    None => (response, None, None),
                };
                drop(current);
                let scope = this.scope.take().expect(POLLED_AGAIN);
                Ok(response.map(|body| ResponseBody::new(body, scope, span, length)))
            }
            Err(error) => {
                if let Some(span) = span {
                    span.finish(End::Failed(semconv::ERROR_SERVICE.into()));
                }
                Err(error)
            }
        })
    }
}

const POLLED_AGAIN: &str = "a future is not polled after it has completed";

/// Records the response on the span and adds the trace headers. Returns the span if the response has a body, with whose
/// end the span ends, and the announced length of the body.
fn answer<B: Body>(
    response: Response<B>,
    mut span: Option<ServerSpan>,
    scope: &Scope,
    options: &Options,
) -> (Response<B>, Option<ServerSpan>, Option<u64>) {
    let length = content_length(&response);
    let (mut head, body) = response.into_parts();
    if let Some(span) = &mut span {
        span.answered(&mut head, options);
    }
    let cx = scope.context();
    if (options.traceresponse || options.server_timing) && cx.span().span_context().is_valid() {
        let traceparent = traceparent(cx, cx.span().span_context());
        let header = |value: &[u8]| {
            HeaderValue::from_bytes(value).expect("hex digits and hyphens are a header value")
        };
        if options.traceresponse {
            head.headers.insert(TRACERESPONSE, header(&traceparent));
        }
        if options.server_timing {
            let value = [b"trace;desc=", &traceparent[..]].concat();
            head.headers.append(SERVER_TIMING, header(&value));
        }
    }
    let is_empty = body.is_end_stream() || length == Some(0);
    ServerSpan::set_runs(&mut span, false);
    let span = match span {
        Some(span) if is_empty || !may_have_body(span.method(), head.status) => {
            span.finish(End::Complete);
            None
        }
        span => span,
    };
    (Response::from_parts(head, body), span, length)
}

/// The response header that names the server span. [W3C Trace Context Level 2 does not define such a header
/// yet](https://w3c.github.io/trace-context/#trace-context-http-response-headers-format): name and format follow an
/// earlier editor's draft, which other instrumentations use too.
const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Returns whether the server polls the body of a response. The server drops other bodies unread, as [RFC 9110, section
/// 6.4.1](https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1) requires.
fn may_have_body(method: &Method, status: StatusCode) -> bool {
    let bodiless = status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let tunnel = *method == Method::CONNECT && status.is_success();
    *method != Method::HEAD && !bodiless && !tunnel
}
