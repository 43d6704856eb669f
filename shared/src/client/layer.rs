//! [`ClientTraceLayer`]: the middleware as a tower layer. Next: `service`, which a request enters.

use tower_layer::Layer;

use super::{BoxedErrorLayer, ClientTrace, TraceMiddleware};

/// Wraps an HTTP client that is a tower service, such as `hyper-util`'s, so that every request is a CLIENT span.
///
/// An alias of [`TraceMiddleware`], with the same settings and the same spans.
///
/// ```
/// use hyper_util::{client::legacy::Client, rt::TokioExecutor};
/// use shared::client::ClientTraceLayer;
/// use tower_layer::Layer;
///
/// # type Body = axum::body::Body;
/// let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
/// let client = ClientTraceLayer::new().layer(client);
/// ```
///
/// Make it the innermost layer, inside retries and redirects, so that each attempt passes through it and it sees the errors
/// of the client itself. For a client whose error is boxed, such as tower's `Buffer`, use
/// [`boxed_errors`](TraceMiddleware::boxed_errors). A `Buffer` around this layer keeps the trace of the calling handler.
/// `network.peer.*` is recorded if the client adds [`HttpInfo`](hyper_util::client::legacy::connect::HttpInfo) to the
/// response's extensions. `http.request.resend_count` is never recorded, since clones of a request do not share state.
pub type ClientTraceLayer = TraceMiddleware;

impl TraceMiddleware {
    /// Returns a layer for clients whose error is `Box<dyn Error + Send + Sync>`, which does not implement `Error`.
    ///
    /// ```
    /// use shared::client::ClientTraceLayer;
    /// use tower::{BoxError, Layer as _, service_fn};
    ///
    /// # type Body = axum::body::Body;
    /// let client = service_fn(async |_: http::Request<Body>| {
    ///     Err::<http::Response<Body>, BoxError>("the queue is closed".into())
    /// });
    /// let client = ClientTraceLayer::new().boxed_errors().layer(client);
    /// ```
    pub fn boxed_errors(self) -> BoxedErrorLayer {
        BoxedErrorLayer(self)
    }
}

impl<S> Layer<S> for TraceMiddleware {
    type Service = ClientTrace<S>;

    fn layer(&self, inner: S) -> ClientTrace<S> {
        ClientTrace::new(inner, self.clone())
    }
}
