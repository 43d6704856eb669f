//! [`TraceLayer`] and its settings. The module `service` handles each request.

use std::{borrow::Cow, fmt, sync::Arc};

use http::{HeaderName, request, response};
use opentelemetry::{KeyValue, global::ObjectSafeTracerProvider, propagation::TextMapPropagator};
use tower_layer::Layer;

use super::{
    access::{AccessLog, RequestEnd},
    forwarded::ForwardedHeader,
    options::Options,
    service::Trace,
};
use crate::internal::{semconv::KnownMethods, tracer::Tracer};

/// Creates a SERVER span for every request of a service, as a child of the span in the caller's trace context.
///
/// The span lasts from the request's head to the last byte of the response's body. Its attributes follow the [HTTP
/// conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span). The span is current
/// while the handler runs, so child spans and log lines belong to its trace without further code.
///
/// ```
/// use axum::{Router, extract::Path, routing::get};
/// use shared::server::TraceLayer;
///
/// async fn check(Path(item_id): Path<String>) -> String {
///     tracing::info!(item_id, "checked"); // the log line has the trace id
///     item_id
/// }
///
/// let app: Router = Router::new()
///     .route("/check/{item_id}", get(check)) // the span is `GET /check/{item_id}`
///     .layer(TraceLayer::new().filter(|request| request.uri.path() != "/metrics"));
/// ```
///
/// Add this layer with `Router::layer`, so that the route is known, and as the last layer, so that it is the outermost
/// one. The [module documentation](super) describes the limits of the layer. In a service,
/// [`serve::router`](crate::serve::router) adds all layers in the right order.
///
/// Clones of a layer share their settings.
#[derive(Clone)]
pub struct TraceLayer {
    pub(super) options: Arc<Options>,
}

impl TraceLayer {
    /// Creates a layer that traces every request with the global tracer provider and the global propagator.
    pub fn new() -> Self {
        Self {
            options: Arc::default(),
        }
    }

    /// Traces only the requests for which `filter` returns true. Other requests have no span, but the caller's context
    /// still reaches the services that the handler calls. Useful for frequent requests of little interest. If such
    /// requests have separate routes, merge those routes after adding the layer instead. By default, all requests are
    /// traced.
    #[must_use]
    pub fn filter(
        mut self,
        filter: impl Fn(&request::Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.options().filter = Some(Arc::new(filter));
        self
    }

    /// Does not trust the context of requests for which `public` returns true: each of these requests starts a new
    /// trace with a link to the caller's span, and the caller's baggage is dropped. Use this setting for endpoints that
    /// are open to the internet. Defaults to trusting all requests.
    #[must_use]
    pub fn public_endpoint(
        mut self,
        public: impl Fn(&request::Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.options().public_endpoint = Some(Arc::new(public));
        self
    }

    /// Sets a function that names the spans. Useful if routes are not specific enough, such as a single route with the
    /// operation in a header or in the query. Use a small set of names, never paths. Span names default to `{method}
    /// {route}`, or to the method alone if no route matched.
    #[must_use]
    pub fn span_name(
        mut self,
        name: impl Fn(&request::Parts) -> Cow<'static, str> + Send + Sync + 'static,
    ) -> Self {
        self.options().span_name = Some(Arc::new(name));
        self
    }

    /// Adds attributes when the span starts, so that samplers can read them. Defaults to none.
    ///
    /// ```
    /// use shared::{opentelemetry::KeyValue, server::TraceLayer};
    ///
    /// # let _ =
    /// TraceLayer::new().attributes_at_start(|request| {
    ///     let tenant = request.headers.get("x-tenant").and_then(|tenant| tenant.to_str().ok());
    ///     tenant.map(|tenant| KeyValue::new("shop.tenant", tenant.to_owned())).into_iter().collect()
    /// });
    /// ```
    #[must_use]
    pub fn attributes_at_start(
        mut self,
        attributes: impl Fn(&request::Parts) -> Vec<KeyValue> + Send + Sync + 'static,
    ) -> Self {
        self.options().at_start = Some(Arc::new(attributes));
        self
    }

    /// Adds attributes when the response's head is available. The handler can pass values in the extensions of the
    /// response. Use this function for values that are not known at the start of the request, such as a cache hit.
    /// Defaults to none.
    #[must_use]
    pub fn attributes_at_end(
        mut self,
        attributes: impl Fn(&response::Parts) -> Vec<KeyValue> + Send + Sync + 'static,
    ) -> Self {
        self.options().at_end = Some(Arc::new(attributes));
        self
    }

    /// Records these request headers as `http.request.header.<name>`, in addition to those of earlier calls.
    /// `Authorization`, `Proxy-Authorization`, `Cookie` and `Set-Cookie` are never recorded, even if listed. Defaults to none.
    #[must_use]
    pub fn request_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.options().request_headers.add(names);
        self
    }

    /// Records these response headers as `http.response.header.<name>`, in addition to those of earlier calls,
    /// with the same exceptions as [`request_headers`](Self::request_headers). Defaults to none.
    #[must_use]
    pub fn response_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.options().response_headers.add(names);
        self
    }

    /// Redacts the values of these query keys in `url.query`, in addition to the keys that the semantic conventions
    /// list and the keys of earlier calls.
    #[must_use]
    pub fn redact_query_keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.options().redaction.add(keys);
        self
    }

    /// Reads `client.address`, `server.address` and `url.scheme` from these headers, if present, in addition to the
    /// headers of earlier calls. List only headers that your proxy overwrites. Defaults to none, since any client can
    /// send such headers.
    ///
    /// ```
    /// use shared::server::{ForwardedHeader, TraceLayer};
    ///
    /// // Behind a proxy with `proxy_set_header X-Forwarded-For $remote_addr;`
    /// # let _ =
    /// TraceLayer::new().trust_forwarded([ForwardedHeader::XForwardedFor]);
    /// ```
    #[must_use]
    pub fn trust_forwarded(mut self, headers: impl IntoIterator<Item = ForwardedHeader>) -> Self {
        self.options().trusted.add(headers);
        self
    }

    /// Records `http.request.body.size`, as announced by `Content-Length`, and `http.response.body.size`, the bytes passed to
    /// the server. Helps to find requests that are slow because they are large. Defaults to false.
    #[must_use]
    pub fn body_sizes(mut self, record: bool) -> Self {
        self.options().body_sizes = record;
        self
    }

    /// Sets whether responses identify their span in the header `traceresponse`, so that a caller can report a failed
    /// request. Defaults to true. Disable the header if callers must not see trace ids.
    #[must_use]
    pub fn traceresponse(mut self, send: bool) -> Self {
        self.options().traceresponse = send;
        self
    }

    /// Sets whether responses also identify their span in the header `server-timing`, as `trace;desc=<traceparent>`,
    /// which scripts in browsers can read. Entries that the handler has set are kept. Defaults to false. See [the W3C
    /// draft](https://w3c.github.io/trace-context/#server-timing-header).
    #[must_use]
    pub fn server_timing(mut self, send: bool) -> Self {
        self.options().server_timing = send;
        self
    }

    /// Sets whether each request writes one log line when it ends: `request served` at `info` or `request failed` at `error`,
    /// with method, route, status, duration and `error.type`. `RUST_LOG` takes precedence: `info,shared::server=error` keeps
    /// only the failures. Defaults to true.
    #[must_use]
    pub fn access_log(mut self, write: bool) -> Self {
        self.options().access_log = if write {
            AccessLog::Line
        } else {
            AccessLog::Off
        };
        self
    }

    /// Calls this function when a request ends, instead of writing the log line. Useful for a custom access log. The
    /// function runs in the request's context, so its log lines have the trace ids. The function must not block, since
    /// it runs on the thread on which the request ends. A panic of the function is logged and does not affect the
    /// request.
    ///
    /// ```
    /// use shared::server::{Outcome, RequestEnd, TraceLayer};
    ///
    /// # let _ =
    /// TraceLayer::new().access_log_with(|end: &RequestEnd<'_>| {
    ///     if end.outcome != Outcome::Served {
    ///         tracing::warn!(route = end.route, outcome = ?end.outcome, "not served");
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn access_log_with(
        mut self,
        log: impl Fn(&RequestEnd<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.options().access_log = AccessLog::Custom(Arc::new(log));
        self
    }

    /// Sets the HTTP methods that are recorded by name. Other methods are recorded as `_OTHER`. Defaults to the methods
    /// of the semantic conventions, or to the list in `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`.
    #[must_use]
    pub fn known_methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.options().known_methods = KnownMethods::new(methods);
        self
    }

    /// Sets the tracer provider, for tests and for several services in one process. Defaults to the global one.
    #[must_use]
    pub fn tracer_provider(mut self, provider: &dyn ObjectSafeTracerProvider) -> Self {
        self.options().tracer = Tracer::of(provider);
        self
    }

    /// Sets the meter provider. Defaults to the global one, if [`crate::telemetry::init`] installed it.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn meter_provider(mut self, provider: &dyn opentelemetry::metrics::MeterProvider) -> Self {
        self.options().metrics = crate::internal::metrics::Metrics::of(provider);
        self
    }

    /// Sets the propagator that reads the caller's context, for a service whose callers send other headers than the
    /// service sends itself. Defaults to the global propagator.
    #[must_use]
    pub fn propagator(
        mut self,
        propagator: impl TextMapPropagator + Send + Sync + 'static,
    ) -> Self {
        self.options().propagator = Some(Arc::new(propagator));
        self
    }

    fn options(&mut self) -> &mut Options {
        Arc::make_mut(&mut self.options)
    }
}

impl Default for TraceLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TraceLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceLayer").finish_non_exhaustive()
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace::new(inner, Arc::clone(&self.options))
    }
}
