//! [`ResponseBody`]: a response body that ends the request's span with the last byte, or when the body is dropped.

use std::{
    pin::Pin,
    task::{Context as TaskContext, Poll},
};

use bytes::Buf;
use http::{Response, header::CONTENT_LENGTH};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::span::{End, ServerSpan};
use crate::{
    internal::{semconv, tracer::empty_context},
    span::scope::Scope,
};

pin_project! {
    /// The response body of [`Trace`](super::Trace). Passes the frames of the inner body on unchanged.
    pub struct ResponseBody<B> {
        #[pin]
        inner: Option<B>,
        scope: Scope,
        span: Option<ServerSpan>,
        // The number of announced bytes that the body has not produced yet. After the last announced byte, the server
        // does not poll the body again.
        remaining: Option<u64>,
    }

    impl<B> PinnedDrop for ResponseBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _current = this.scope.attach();
            ServerSpan::set_runs(this.span, true);
            this.inner.set(None);
            ServerSpan::set_runs(this.span, false);
        }
    }
}

impl<B> ResponseBody<B> {
    /// Creates a body that ends `span` when the body ends. `remaining` is the announced length of the body.
    pub(super) fn new(
        inner: B,
        scope: Scope,
        span: Option<ServerSpan>,
        remaining: Option<u64>,
    ) -> Self {
        Self {
            inner: Some(inner),
            scope,
            span,
            remaining,
        }
    }
}

impl<B> std::fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}

/// An empty body without a span. `axum` requires response bodies to implement [`Default`].
impl<B: Default> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::new(
            B::default(),
            Scope::context_only(empty_context()),
            None,
            None,
        )
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let _current = this.scope.enter();
        let mut inner = this
            .inner
            .as_mut()
            .as_pin_mut()
            .expect("a body is not polled after it was dropped");
        // Kept in a local variable, so that a panic of the inner body ends the span at once, even if the panic is
        // caught and this body is dropped later.
        let mut span = this.span.take();
        ServerSpan::set_runs(&mut span, true);
        let Poll::Ready(frame) = inner.as_mut().poll_frame(task) else {
            ServerSpan::set_runs(&mut span, false);
            *this.span = span;
            return Poll::Pending;
        };
        let end = match &frame {
            // The body is shorter than announced. The server closes the connection, so the client detects the missing
            // bytes.
            None if this.remaining.is_some_and(|remaining| remaining > 0) => {
                Some(End::Failed(semconv::ERROR_BODY.into()))
            }
            None => Some(End::Complete),
            Some(Err(_)) => Some(End::Failed(semconv::ERROR_BODY.into())),
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, |data| data.remaining() as u64);
                if let Some(remaining) = this.remaining {
                    *remaining = remaining.saturating_sub(bytes);
                }
                if let Some(span) = &mut span {
                    span.sent(bytes);
                }
                let last =
                    frame.is_trailers() || *this.remaining == Some(0) || inner.is_end_stream();
                last.then_some(End::Complete)
            }
        };
        ServerSpan::set_runs(&mut span, false);
        match (span, end) {
            (Some(span), Some(end)) => span.finish(end),
            (span, _) => *this.span = span,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

/// Returns the content length of a response: from its header, or from the size of the body, which the server will then
/// announce.
pub(super) fn content_length<B: Body>(response: &Response<B>) -> Option<u64> {
    let header = response
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    header.or_else(|| response.body().size_hint().exact())
}
