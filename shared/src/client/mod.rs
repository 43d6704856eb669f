//! CLIENT spans for HTTP clients: one span for each attempt of a request, with the trace context injected into its
//! headers.
//!
//! Build the client once and reuse it for all requests. With the cargo feature `reqwest`, [`traced`] returns a
//! `reqwest` client that creates a span for each request.
//!
//! ```
//! use shared::client::{self, UrlTemplate};
//! use std::time::Duration;
//!
//! let client = client::traced(|client| client.timeout(Duration::from_secs(2)))?;
//! let request = client
//!     .get("http://127.0.0.1:8081/check/item-123")
//!     .with_extension(UrlTemplate::new("/check/{item_id}")); // the span is `GET /check/{item_id}`
//! # drop(request);
//! # Ok::<_, reqwest::Error>(())
//! ```
//!
//! [`traced`] returns a `reqwest` client with [`TraceMiddleware`]. Add the middleware by hand to change its settings or
//! to combine it with other middleware. Register retries before [`TraceMiddleware`], so that each attempt has a span. A
//! request counts as a resend if it has the same method, URL and extensions as a request that failed before.
//!
//! ```
//! use reqwest_middleware::ClientBuilder;
//! use shared::client::{TraceMiddleware, same_origin_redirects};
//!
//! # #[expect(clippy::disallowed_methods, reason = "the middleware is added to this client")]
//! let client = reqwest::Client::builder().redirect(same_origin_redirects()).build()?;
//! let client = ClientBuilder::new(client)
//!     // .with(RetryTransientMiddleware::new_with_policy(policy))
//!     .with(TraceMiddleware::new().redact_query_keys(["api_key"]))
//!     .build();
//! # Ok::<_, reqwest::Error>(())
//! ```
//!
//! [`ClientTraceLayer`] wraps any other client that is a tower service, such as that of hyper-util, with the same spans and
//! settings. `error_type` returns the name of a failure as recorded on spans, for custom logs and metrics.

mod attempt;
mod baggage;
mod boxed;
#[cfg(feature = "reqwest")]
mod error_type;
mod failure;
mod future;
mod layer;
#[cfg(feature = "reqwest")]
mod middleware;
#[cfg(feature = "reqwest")]
mod redirect;
mod request;
mod resend;
mod service;
#[cfg(feature = "reqwest")]
mod traced;

use std::borrow::Cow;

use http::HeaderName;
use opentelemetry::global::ObjectSafeTracerProvider;

use self::baggage::BaggageTo;
pub use self::{
    boxed::{Boxed, ErrorKind, Typed},
    future::ResponseFuture,
    layer::ClientTraceLayer,
    service::ClientTrace,
};
#[cfg(feature = "reqwest")]
pub use self::{error_type::error_type, redirect::same_origin_redirects, traced::traced};
use crate::{
    internal::{headers::Recorded, metrics::Metrics, semconv::KnownMethods, tracer::Tracer},
    redact::Redaction,
};

/// The former name of [`ClientTraceLayer<Boxed>`].
#[deprecated = "renamed to `ClientTraceLayer<Boxed>`"]
pub type BoxedErrorLayer = ClientTraceLayer<Boxed>;

/// The former name of [`same_origin_redirects`].
#[cfg(feature = "reqwest")]
#[deprecated = "renamed to `same_origin_redirects`"]
pub fn same_host_redirects() -> reqwest::redirect::Policy {
    same_origin_redirects()
}

/// A `reqwest` middleware that creates a CLIENT span for each attempt of a request and injects the trace context into
/// the headers. For other clients, see [`ClientTraceLayer`]. The [module](self) has examples.
///
/// Attributes follow the [HTTP
/// conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span). The span ends when the
/// response's headers have arrived, so it does not record a failure while the body is read. If the caller drops the
/// future of a request, the span ends without an error. Without an active span, the CLIENT span is the root of a new
/// trace.
///
/// A redirect that `reqwest` follows belongs to the span of the first request: `url.full`, `server.address` and
/// `server.port` describe the first URL; the status code, protocol version and `network.peer.*` describe the last
/// response. All servers receive the same baggage and the same `traceparent`, so their spans are siblings. With
/// [`same_origin_redirects`], the client returns redirects to another origin to the caller. If the caller then requests
/// the new URL, that request has its own span and is subject to [`baggage_to`](Self::baggage_to). With
/// `redirect::Policy::none()`, the client returns all redirects to the caller.
#[derive(Debug, Clone, Default)]
pub struct TraceMiddleware {
    tracer: Tracer,
    metrics: Metrics<attempt::Instruments>,
    known_methods: KnownMethods,
    redaction: Redaction,
    request_headers: Recorded,
    response_headers: Recorded,
    baggage_to: BaggageTo,
}

/// A request extension with the template of the request's path, such as `/check/{item_id}`.
///
/// The template is recorded as `url.template` and is part of the span's name. Without a template, the span's name is
/// the method alone, since names with paths would differ for each item. Templates can be owned strings, for example
/// from a generated client. Use a small set of templates.
///
/// ```
/// use shared::client::UrlTemplate;
///
/// # let client = shared::client::traced(|client| client)?;
/// # let item_id = "item-123";
/// let request = client
///     .get(format!("http://127.0.0.1:8081/check/{item_id}"))
///     .with_extension(UrlTemplate::new("/check/{item_id}"));
/// # drop(request);
/// # Ok::<_, reqwest::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlTemplate(Cow<'static, str>);

impl UrlTemplate {
    /// Creates the request extension from a static or owned template.
    pub fn new(template: impl Into<Cow<'static, str>>) -> Self {
        Self(template.into())
    }
}

impl TraceMiddleware {
    /// Creates a middleware with the global tracer provider and the global propagator.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the tracer provider, for tests and for several services in one process. Defaults to the global one.
    #[must_use]
    pub fn tracer_provider(mut self, provider: &dyn ObjectSafeTracerProvider) -> Self {
        self.tracer = Tracer::of(provider);
        self
    }

    /// Sets the meter provider. Defaults to the global one, if [`crate::telemetry::init`] installed it.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn meter_provider(mut self, provider: &dyn opentelemetry::metrics::MeterProvider) -> Self {
        self.metrics = Metrics::of(provider);
        self
    }

    /// Records these request headers as `http.request.header.<name>`, in addition to those of earlier calls.
    /// `Authorization`, `Proxy-Authorization`, `Cookie` and `Set-Cookie` are never recorded, even if listed. Defaults to none.
    #[must_use]
    pub fn request_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.request_headers.add(names);
        self
    }

    /// Records these response headers as `http.response.header.<name>`, in addition to those of earlier calls,
    /// with the same exceptions as [`request_headers`](Self::request_headers). Defaults to none.
    #[must_use]
    pub fn response_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.response_headers.add(names);
        self
    }

    /// Redacts the values of these query keys in `url.full`, in addition to the keys that the semantic conventions list
    /// and the keys of earlier calls.
    #[must_use]
    pub fn redact_query_keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.redaction.add(keys);
        self
    }

    /// Restricts baggage to these hosts. All hosts receive the trace context. A name that starts with a dot matches all
    /// subdomains; an empty list matches no host. Later calls add hosts.
    ///
    /// Defaults to the private network: hosts whose name has no dot or ends in `.local`, `.internal` or `.localhost`,
    /// and loopback and private addresses. Baggage often describes users and tenants, in clear text, and is meant for
    /// your own services rather than for an external payment provider, so external hosts must be listed. The public
    /// domains of your own services must be listed as well, since the middleware cannot recognize them.
    ///
    /// If `reqwest` follows a redirect, it sends the `baggage` header to the new host, even if this method does not
    /// list that host. Use [`same_origin_redirects`] if servers can redirect to other hosts.
    #[must_use]
    pub fn baggage_to<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.baggage_to = self.baggage_to.with(hosts);
        self
    }

    /// Sets the HTTP methods that are recorded by name. Other methods are recorded as `_OTHER`. Defaults to the methods
    /// of the semantic conventions, or to the list in `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`.
    #[must_use]
    pub fn known_methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.known_methods = KnownMethods::new(methods);
        self
    }
}
