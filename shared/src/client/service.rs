//! [`ClientTrace`]: a request goes out, its span starts. Next: `future`.

use std::{
    error::Error,
    task::{Context as TaskContext, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{
    ResponseFuture, TraceMiddleware,
    request::{self, Outgoing},
};

/// The client that [`ClientTraceLayer`](super::ClientTraceLayer) makes. Named where a client's type is written out.
#[derive(Debug, Clone)]
pub struct ClientTrace<S> {
    inner: S,
    settings: TraceMiddleware,
}

impl<S> ClientTrace<S> {
    pub(super) fn new(inner: S, settings: TraceMiddleware) -> Self {
        Self { inner, settings }
    }
}

impl<S, RequestBody, B> Service<Request<RequestBody>> for ClientTrace<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>>,
    S::Error: Error + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let attempt = self.settings.start(Outgoing {
            method: request.method(),
            url: request::url(&request).as_ref(),
            headers: request.headers(),
            template: request.extensions().get(),
            extensions: None,
        });
        attempt.inject(request.headers_mut());
        let cx = attempt.context();
        let _current = cx.clone().attach();
        ResponseFuture::new(self.inner.call(request), cx, attempt)
    }
}
