//! CLIENT spans for HTTP clients: one for each attempt, with the context injected into its headers.
//!
//! Build the client once and keep it: [`traced`] gives a `reqwest` client whose requests are spans, with the cargo feature
//! `reqwest`.
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
//! That is [`TraceMiddleware`] around `reqwest`. Put it there yourself where it has settings or is not the only middleware.
//! Retries go before it, so that each attempt passes through it and is a span (`attempt`). A second attempt is the same
//! method and URL with the same extensions, after one that was not answered well.
//!
//! ```
//! use reqwest_middleware::ClientBuilder;
//! use shared::client::{TraceMiddleware, same_origin_redirects};
//!
//! # #[expect(clippy::disallowed_methods, reason = "the client that the middleware goes around")]
//! let client = reqwest::Client::builder().redirect(same_origin_redirects()).build()?;
//! let client = ClientBuilder::new(client)
//!     // .with(RetryTransientMiddleware::new_with_policy(policy))
//!     .with(TraceMiddleware::new().redact_query_keys(["api_key"]))
//!     .build();
//! # Ok::<_, reqwest::Error>(())
//! ```
//!
//! [`ClientTraceLayer`] goes around any other client that is a tower service, hyper-util's for one, with the same spans and
//! settings. Who has to say why a call failed, in a log or a metric of one's own, uses the names of the spans: `error_type`.

mod attempt;
mod baggage;
mod boxed;
mod failure;
mod future;
mod layer;
#[cfg(feature = "reqwest")]
mod middleware;
#[cfg(feature = "reqwest")]
mod redirect;
mod request;
#[cfg_attr(not(feature = "reqwest"), path = "no_reqwest.rs")]
mod reqwest;
mod resend;
mod service;
#[cfg(feature = "reqwest")]
mod traced;

use std::borrow::Cow;

use http::HeaderName;
use opentelemetry::global::ObjectSafeTracerProvider;

use self::baggage::BaggageTo;
pub use self::{
    boxed::{Boxed, BoxedErrorLayer, ErrorKind, Typed},
    future::ResponseFuture,
    layer::ClientTraceLayer,
    service::ClientTrace,
};
#[cfg(feature = "reqwest")]
pub use self::{
    redirect::{same_host_redirects, same_origin_redirects},
    reqwest::error_type,
    traced::traced,
};
use crate::{
    headers::Recorded, metrics::Metrics, redact::Redaction, semconv::KnownMethods, tracer::Tracer,
};

/// Makes every attempt of a request a CLIENT span and injects its context into the headers. Around `reqwest` it is a
/// middleware, around any other client a layer ([`ClientTraceLayer`]); where it goes is in the [module](self)'s examples.
///
/// Attributes by the [HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span).
/// The span ends when the response's headers are in, so a body that fails later is not its failure. A request whose
/// future is dropped was cancelled by its caller: no error. Without an active span the CLIENT span is the root of a new
/// trace.
///
/// Redirects that `reqwest` follows are one span with the requests before them: `url.full`, `server.address` and
/// `server.port` are of the URL that was asked for, the status code, protocol version and `network.peer.*` of the last
/// answer. Every server on the way is sent the same `traceparent`, so their spans are siblings, and the same baggage. A
/// client that is built with [`same_origin_redirects`] leaves redirects to another origin to the caller, who makes a span of
/// each, so that [`baggage_to`](Self::baggage_to) applies to it; with `redirect::Policy::none()` all of them.
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

/// A request extension: the template that the request's path was made from, such as `/check/{item_id}`.
///
/// It is recorded as `url.template` and in the span's name. Without it the name is the method alone, since a path would
/// make as many names as there are items. One that is not static, from a generated client or a table of routes, may be
/// owned: keep to few.
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
    /// A template, static or owned.
    pub fn new(template: impl Into<Cow<'static, str>>) -> Self {
        Self(template.into())
    }
}

impl TraceMiddleware {
    /// A middleware on the global tracer provider and the global propagator.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes spans with this provider instead of the global one: for several services in one process, and for tests.
    #[must_use]
    pub fn tracer_provider(mut self, provider: &dyn ObjectSafeTracerProvider) -> Self {
        self.tracer = Tracer::of(provider);
        self
    }

    /// Records metrics with this provider, for the same. Default: the global one, if [`crate::telemetry::init`] has set one.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn meter_provider(mut self, provider: &dyn opentelemetry::metrics::MeterProvider) -> Self {
        self.metrics = Metrics::of(provider);
        self
    }

    /// Records these request headers as `http.request.header.<name>`, beside those of earlier calls. Default: none.
    /// `Authorization`, `Proxy-Authorization`, `Cookie` and `Set-Cookie` never are, listed or not.
    #[must_use]
    pub fn request_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.request_headers.add(names);
        self
    }

    /// Records these response headers as `http.response.header.<name>`, beside those of earlier calls. Default: none;
    /// the same are never recorded.
    #[must_use]
    pub fn response_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.response_headers.add(names);
        self
    }

    /// Redacts the values of these query keys in `url.full`, beside those that the conventions list
    /// and those of earlier calls.
    #[must_use]
    pub fn redact_query_keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.redaction.add(keys);
        self
    }

    /// Sends baggage to these hosts and to no other; the trace context goes to everybody. A name that begins with a dot
    /// stands for all hosts below it, an empty list for nobody; a second call adds to the first.
    ///
    /// Default: the own network, which is hosts whose name has no dot or ends in `.local`, `.internal` or `.localhost`, and
    /// loopback and private addresses. Baggage is what an application says of its users and tenants, in clear text. Who
    /// sets it thinks of the next service, not of the payment provider behind that, so nobody outside is told by accident:
    /// such hosts are named. A middleware does not know by what name its own service is called, so a domain of one's own
    /// is to be named too.
    ///
    /// A redirect that `reqwest` follows takes the header along: [`same_origin_redirects`] is for clients that may be sent
    /// elsewhere.
    #[must_use]
    pub fn baggage_to<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.baggage_to = self.baggage_to.with(hosts);
        self
    }

    /// The methods that are recorded by name; any other is `_OTHER`. Default: those of the conventions, or the list in
    /// `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`.
    #[must_use]
    pub fn known_methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.known_methods = KnownMethods::new(methods);
        self
    }
}
