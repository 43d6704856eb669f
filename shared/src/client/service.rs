//! [`ClientTrace`]: starts the span of each request. The module `future` runs the request.

use std::{
    marker::PhantomData,
    task::{Context as TaskContext, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{
    ResponseFuture, TraceMiddleware,
    boxed::{ErrorKind, Typed},
    request::{self, Outgoing, Traced},
};

/// The client that [`ClientTraceLayer`](super::ClientTraceLayer) returns.
#[derive(Debug, Clone)]
pub struct ClientTrace<S, K = Typed> {
    inner: S,
    settings: TraceMiddleware,
    errors: PhantomData<fn() -> K>,
}

impl<S, K> ClientTrace<S, K> {
    pub(super) fn new(inner: S, settings: TraceMiddleware) -> Self {
        Self {
            inner,
            settings,
            errors: PhantomData,
        }
    }
}

impl<S, K, RequestBody, B> Service<Request<RequestBody>> for ClientTrace<S, K>
where
    S: Service<Request<RequestBody>, Response = Response<B>>,
    K: ErrorKind<S::Error>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, K>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        if Traced::is_in(request.extensions()) {
            return ResponseFuture::traced_already(self.inner.call(request));
        }
        let attempt = self.settings.start(Outgoing {
            method: request.method(),
            url: request::url(&request).as_ref(),
            headers: request.headers(),
            version: request.version(),
            template: request.extensions().get(),
            extensions: None,
        });
        attempt.inject(request.headers_mut());
        request.extensions_mut().insert(Traced::by(&attempt));
        let cx = attempt.context();
        let _current = cx.clone().attach();
        ResponseFuture::new(self.inner.call(request), cx, attempt)
    }
}
