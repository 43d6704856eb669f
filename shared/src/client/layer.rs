//! [`ClientTraceLayer`]: the middleware as a tower layer. Next: `service`, which a request enters.

use tower_layer::Layer;

use super::{ClientTrace, TraceMiddleware};

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
/// There it also sees the client's own errors; a layer that boxes them goes above it. `network.peer.*` is known from
/// clients that leave [`HttpInfo`](hyper_util::client::legacy::connect::HttpInfo) in the answer's extensions, and
/// `http.request.resend_count` from none: a request that is cloned for a retry does not know of its twin.
pub type ClientTraceLayer = TraceMiddleware;

impl<S> Layer<S> for TraceMiddleware {
    type Service = ClientTrace<S>;

    fn layer(&self, inner: S) -> ClientTrace<S> {
        ClientTrace::new(inner, self.clone())
    }
}
