//! [`TraceLayer`]: what is traced, and how. Next: `service`, which a request enters.

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
use crate::{semconv::KnownMethods, tracer::Tracer};

/// Wraps a service so that every request is a SERVER span, continued from the caller's trace context.
///
/// The span lasts from the request's head to the last byte of the response's body. Its attributes are those of the
/// [HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span). The handler runs
/// with the span as current context, so spans and log lines below it need no hand from anybody. Where it goes on a router is
/// in the [module](super)'s example.
///
/// A clone shares the settings.
#[derive(Clone)]
pub struct TraceLayer {
    pub(super) options: Arc<Options>,
}

impl TraceLayer {
    /// A layer that traces every request with the global tracer provider and the global propagator.
    pub fn new() -> Self {
        Self {
            options: Arc::default(),
        }
    }

    /// Traces only the requests for which `filter` is true. The others get no span, but the caller's context still
    /// reaches what the handler calls. For what is asked all the time and tells nobody anything; where it has routes of its own,
    /// merge those in after the layer instead. Default: all are traced.
    #[must_use]
    pub fn filter(
        mut self,
        filter: impl Fn(&request::Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.options().filter = Some(Arc::new(filter));
        self
    }

    /// Does not trust the context of requests for which `public` is true: they start a trace of their own, with a link
    /// to the caller's, and drop its baggage. For whatever the open internet can reach. Default: all are trusted.
    #[must_use]
    pub fn public_endpoint(
        mut self,
        public: impl Fn(&request::Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.options().public_endpoint = Some(Arc::new(public));
        self
    }

    /// Names the spans, where routes say too little: one route for all, with the operation in a header or in the query.
    /// Keep to few names, never a path. Default: `{method} {route}`, or the method alone where no route matched.
    #[must_use]
    pub fn span_name(
        mut self,
        name: impl Fn(&request::Parts) -> Cow<'static, str> + Send + Sync + 'static,
    ) -> Self {
        self.options().span_name = Some(Arc::new(name));
        self
    }

    /// Adds attributes when the span starts, where a sampler can see them. Default: none.
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

    /// Adds attributes when the response's head is there; the handler may have left them in its extensions. For what is known
    /// only then, as whether a cache had it; what a handler says itself goes on its own span. Default: none.
    #[must_use]
    pub fn attributes_at_end(
        mut self,
        attributes: impl Fn(&response::Parts) -> Vec<KeyValue> + Send + Sync + 'static,
    ) -> Self {
        self.options().at_end = Some(Arc::new(attributes));
        self
    }

    /// Records these request headers as `http.request.header.<name>`, beside those of earlier calls. Default: none.
    /// `Authorization`, `Proxy-Authorization`, `Cookie` and `Set-Cookie` never are, listed or not.
    #[must_use]
    pub fn request_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.options().request_headers.add(names);
        self
    }

    /// Records these response headers as `http.response.header.<name>`, beside those of earlier calls. Default: none;
    /// the same are never recorded.
    #[must_use]
    pub fn response_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.options().response_headers.add(names);
        self
    }

    /// Redacts the values of these query keys in `url.query`, beside those that the conventions list
    /// and those of earlier calls.
    #[must_use]
    pub fn redact_query_keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.options().redaction.add(keys);
        self
    }

    /// Takes `client.address`, `server.address` and `url.scheme` from these headers, where they say so, beside those of
    /// earlier calls. Default: none, since any client can send them; name those that your proxy overwrites, and no other.
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

    /// Records `http.request.body.size`, as announced by `Content-Length`, and `http.response.body.size`, the bytes that
    /// were handed over: for who looks for slow requests that are large ones. Default: false.
    #[must_use]
    pub fn body_sizes(mut self, record: bool) -> Self {
        self.options().body_sizes = record;
        self
    }

    /// Whether responses name their span in the header `traceresponse`, by which a caller can say which request went wrong.
    /// Default: true; false where callers are not to see trace ids.
    #[must_use]
    pub fn traceresponse(mut self, send: bool) -> Self {
        self.options().traceresponse = send;
        self
    }

    /// Whether responses also name their span in the header `server-timing`, as `trace;desc=<traceparent>`, which scripts in
    /// browsers can read. It is added to entries that the handler sets. Defaults to false. See
    /// [the W3C draft](https://w3c.github.io/trace-context/#server-timing-header).
    #[must_use]
    pub fn server_timing(mut self, send: bool) -> Self {
        self.options().server_timing = send;
        self
    }

    /// Whether every request leaves one line in the log when it ends: `request served` at `info`, `request failed` at
    /// `error`, with method, route, status, duration and `error.type`. Default: true. `RUST_LOG` has the last word
    /// (`info,shared::server=error` for the failures alone).
    #[must_use]
    pub fn access_log(mut self, write: bool) -> Self {
        self.options().access_log = if write {
            AccessLog::Line
        } else {
            AccessLog::Off
        };
        self
    }

    /// Calls this when a request ends, in place of our line, and in the request's context: its log lines have the trace
    /// ids. For an access log of one's own, with other fields or in another place. It is called where the request ends,
    /// so it must not block; a panic in it is reported and goes no further.
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

    /// The methods that are recorded by name; any other is `_OTHER`. Default: those of the conventions, or the list in
    /// `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`.
    #[must_use]
    pub fn known_methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.options().known_methods = KnownMethods::new(methods);
        self
    }

    /// Makes spans with this provider instead of the global one: for several services in one process, and for tests.
    #[must_use]
    pub fn tracer_provider(mut self, provider: &dyn ObjectSafeTracerProvider) -> Self {
        self.options().tracer = Tracer::of(provider);
        self
    }

    /// Records metrics with this provider, for the same. Default: the global one, if [`crate::telemetry::init`] has set one.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn meter_provider(mut self, provider: &dyn opentelemetry::metrics::MeterProvider) -> Self {
        self.options().metrics = crate::metrics::Metrics::of(provider);
        self
    }

    /// Reads the caller's context with this propagator instead of the global one: for an entrance whose callers speak other
    /// headers than the services behind it.
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
