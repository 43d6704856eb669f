//! [`ClientTraceLayer`]: the middleware as a tower layer. Next: `service`, which a request enters.

use tower_layer::Layer;

use super::{BoxedErrorLayer, ClientTrace, TraceMiddleware};

/// Wraps an HTTP client that is a tower service, such as `hyper-util`'s, so that every request is a CLIENT span.
///
/// It is [`TraceMiddleware`] by the name that a tower stack looks for: the same settings, and the same spans.
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
/// It goes innermost, directly around the client, below retries and redirects, so that each attempt passes through it.
/// There it also sees the client's own errors. Around a client whose error is boxed, such as tower's `Buffer`, use
/// [`boxed_errors`](TraceMiddleware::boxed_errors). In a handler, a `Buffer` around this layer keeps the trace too. `network.peer.*` is known from
/// clients that leave [`HttpInfo`](hyper_util::client::legacy::connect::HttpInfo) in the answer's extensions, and
/// `http.request.resend_count` from none: a request that is cloned for a retry does not know of its twin.
pub type ClientTraceLayer = TraceMiddleware;

impl TraceMiddleware {
    /// Makes a layer for clients whose error is `Box<dyn Error + Send + Sync>`, which does not implement `Error`.
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
