//! [`ClientTraceLayer`]: CLIENT spans for clients that are tower services. The module `service` handles each request.

use std::marker::PhantomData;

use http::HeaderName;
use opentelemetry::global::ObjectSafeTracerProvider;
use tower_layer::Layer;

use super::{
    ClientTrace, TraceMiddleware,
    boxed::{Boxed, Typed},
};

/// Wraps an HTTP client that is a tower service, such as that of `hyper-util`, and creates a CLIENT span for every
/// request.
///
/// The layer has the settings of [`TraceMiddleware`] and creates the same spans.
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
/// Make this layer the innermost one, inside retries and redirects, so that each attempt passes through the layer, and
/// the layer sees the errors of the client itself. For a client whose error is boxed, such as tower's `Buffer`, use
/// [`boxed_errors`](Self::boxed_errors). If a `Buffer` wraps this layer, the spans still belong to the trace of the
/// calling handler. `network.peer.*` is recorded if the client adds
/// [`HttpInfo`](hyper_util::client::legacy::connect::HttpInfo) to the response's extensions.
/// `http.request.resend_count` is never recorded, since the clones of a request that a retry sends do not share state.
///
/// The type parameter `K` is the kind of the client's error: [`Typed`] or [`Boxed`].
#[derive(Debug, Clone)]
pub struct ClientTraceLayer<K = Typed> {
    settings: TraceMiddleware,
    errors: PhantomData<fn() -> K>,
}

impl ClientTraceLayer {
    /// Creates a layer with the global tracer provider and the global propagator.
    pub fn new() -> Self {
        Self::default()
    }

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
    pub fn boxed_errors(self) -> ClientTraceLayer<Boxed> {
        ClientTraceLayer {
            settings: self.settings,
            errors: PhantomData,
        }
    }
}

impl Default for ClientTraceLayer {
    fn default() -> Self {
        TraceMiddleware::default().into()
    }
}

/// Creates a layer with the settings of the middleware.
impl From<TraceMiddleware> for ClientTraceLayer {
    fn from(settings: TraceMiddleware) -> Self {
        Self {
            settings,
            errors: PhantomData,
        }
    }
}

impl<K> ClientTraceLayer<K> {
    /// Sets the tracer provider, like [`TraceMiddleware::tracer_provider`].
    #[must_use]
    pub fn tracer_provider(self, provider: &dyn ObjectSafeTracerProvider) -> Self {
        self.set(|settings| settings.tracer_provider(provider))
    }

    /// Sets the meter provider, like [`TraceMiddleware::meter_provider`].
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn meter_provider(self, provider: &dyn opentelemetry::metrics::MeterProvider) -> Self {
        self.set(|settings| settings.meter_provider(provider))
    }

    /// Records these request headers, like [`TraceMiddleware::request_headers`].
    #[must_use]
    pub fn request_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.set(|settings| settings.request_headers(names))
    }

    /// Records these response headers, like [`TraceMiddleware::response_headers`].
    #[must_use]
    pub fn response_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.set(|settings| settings.response_headers(names))
    }

    /// Redacts the values of these query keys, like [`TraceMiddleware::redact_query_keys`].
    #[must_use]
    pub fn redact_query_keys<Key: Into<String>>(self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.set(|settings| settings.redact_query_keys(keys))
    }

    /// Restricts baggage to these hosts, like [`TraceMiddleware::baggage_to`].
    #[must_use]
    pub fn baggage_to<H: Into<String>>(self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.set(|settings| settings.baggage_to(hosts))
    }

    /// Sets the methods that are recorded by name, like [`TraceMiddleware::known_methods`].
    #[must_use]
    pub fn known_methods<M: Into<String>>(self, methods: impl IntoIterator<Item = M>) -> Self {
        self.set(|settings| settings.known_methods(methods))
    }

    fn set(mut self, set: impl FnOnce(TraceMiddleware) -> TraceMiddleware) -> Self {
        self.settings = set(self.settings);
        self
    }
}

impl<S, K> Layer<S> for ClientTraceLayer<K> {
    type Service = ClientTrace<S, K>;

    fn layer(&self, inner: S) -> ClientTrace<S, K> {
        ClientTrace::new(inner, self.settings.clone())
    }
}

/// Kept for compatibility for one release, like [`boxed_errors`](TraceMiddleware::boxed_errors), because
/// [`ClientTraceLayer`] was an alias of [`TraceMiddleware`].
impl<S> Layer<S> for TraceMiddleware {
    type Service = ClientTrace<S>;

    fn layer(&self, inner: S) -> ClientTrace<S> {
        ClientTrace::new(inner, self.clone())
    }
}

impl TraceMiddleware {
    /// The former place of [`ClientTraceLayer::boxed_errors`].
    #[deprecated = "use `ClientTraceLayer::boxed_errors`"]
    pub fn boxed_errors(self) -> ClientTraceLayer<Boxed> {
        ClientTraceLayer::from(self).boxed_errors()
    }
}
