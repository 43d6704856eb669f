//! [`ResponseFuture`]: runs an attempt with its span as current span until the head of the response has arrived.

use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context as TaskContext, Poll},
};

use http::Response;
use hyper_util::client::legacy::connect::HttpInfo;
use opentelemetry::Context;
use pin_project_lite::pin_project;

use super::{
    attempt::{Attempt, Head},
    boxed::{ErrorKind, Typed},
};

pin_project! {
    /// The response future of [`ClientTrace`](super::ClientTrace).
    pub struct ResponseFuture<F, K = Typed> {
        #[pin]
        inner: Option<F>,
        cx: Context,
        attempt: Option<Attempt>,
        errors: PhantomData<fn() -> K>,
    }

    impl<F, K> PinnedDrop for ResponseFuture<F, K> {
        fn drop(this: Pin<&mut Self>) {
            // The inner future is dropped in the attempt's context, so that code in destructors belongs to the trace
            // and runs before the attempt's span ends.
            let mut this = this.project();
            let _current = this.cx.clone().attach();
            this.inner.set(None);
        }
    }
}

impl<F, K> ResponseFuture<F, K> {
    pub(super) fn new(inner: F, cx: Context, attempt: Attempt) -> Self {
        Self {
            inner: Some(inner),
            cx,
            attempt: Some(attempt),
            errors: PhantomData,
        }
    }

    /// Creates the future of a request that an outer layer traces already.
    pub(super) fn traced_already(inner: F) -> Self {
        Self {
            inner: Some(inner),
            cx: Context::current(),
            attempt: None,
            errors: PhantomData,
        }
    }
}

impl<F, K> std::fmt::Debug for ResponseFuture<F, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, K, B, E> Future for ResponseFuture<F, K>
where
    F: Future<Output = Result<Response<B>, E>>,
    K: ErrorKind<E>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _current = this.cx.clone().attach();
        let inner = this
            .inner
            .as_pin_mut()
            .expect("a future is not polled after it was dropped");
        // Kept in a local variable, so that a panic of the inner future ends the span at once, even if the panic is
        // caught and this future is dropped later.
        let attempt = this.attempt.take();
        let Poll::Ready(result) = inner.poll(task) else {
            *this.attempt = attempt;
            return Poll::Pending;
        };
        if let Some(attempt) = attempt {
            match &result {
                Ok(response) => attempt.answered(&head(response)),
                Err(error) => attempt.failed(K::error_type(error)),
            }
        }
        Poll::Ready(result)
    }
}

fn head<B>(response: &Response<B>) -> Head<'_> {
    Head {
        status: response.status(),
        version: response.version(),
        headers: response.headers(),
        peer: response.extensions().get().map(HttpInfo::remote_addr),
    }
}
