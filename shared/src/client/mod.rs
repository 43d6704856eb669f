//! CLIENT spans for `reqwest`: one for each attempt, with the context injected into its headers.
//!
//! ```
//! use reqwest_middleware::ClientBuilder;
//! use shared::client::{TraceMiddleware, UrlTemplate};
//!
//! # #[expect(clippy::disallowed_methods, reason = "the client that the middleware goes around")]
//! let client = ClientBuilder::new(reqwest::Client::new()).with(TraceMiddleware::new()).build();
//! let request = client
//!     .get("http://127.0.0.1:8081/check/item-123")
//!     .with_extension(UrlTemplate("/check/{item_id}")); // the span is `GET /check/{item_id}`
//! ```
//!
//! A second attempt is the same method and URL with the same extensions, after one that was not answered well. With retries, put them before this middleware, so that each attempt passes through it (`attempt`):
//! `ClientBuilder::new(..).with(retry).with(TraceMiddleware::new())`.

mod attempt;
mod failure;
mod resend;

use http::{Extensions, HeaderName};
use opentelemetry::{
    KeyValue, Value,
    global::ObjectSafeTracerProvider,
    metrics::MeterProvider,
    trace::{FutureExt as _, Status},
};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

pub use self::failure::error_type;
use self::{attempt::Attempt, resend::Attempts};
use crate::{
    headers::Recorded,
    metrics::Metrics,
    propagation,
    redact::Redaction,
    semconv::{self, KnownMethods},
    tracer::Tracer,
};

/// Makes every attempt of a request a CLIENT span and injects its context into the headers.
///
/// Attributes by the [HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span).
/// The span ends when the response's headers are in, so a body that fails later is not its failure. A request whose
/// future is dropped was cancelled by its caller: no error. Without an active span the CLIENT span is the root of a new
/// trace.
///
/// Redirects that `reqwest` follows are one span with the requests before them: `url.full`, `server.address` and
/// `server.port` are of the URL that was asked for, the status code, protocol version and `network.peer.*` of the last
/// answer. Every server on the way is sent the same `traceparent`, so their spans are siblings. A client that is built
/// with `redirect::Policy::none()` leaves the redirects to the caller, who makes a span of each.
#[derive(Debug, Clone, Default)]
pub struct TraceMiddleware {
    tracer: Tracer,
    metrics: Metrics,
    known_methods: KnownMethods,
    redaction: Redaction,
    request_headers: Recorded,
    response_headers: Recorded,
}

/// A request extension: the template that the request's path was made from, such as `/check/{item_id}`.
///
/// It is recorded as `url.template` and in the span's name. Without it the name is the method alone, since a path would
/// make as many names as there are items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UrlTemplate(pub &'static str);

impl TraceMiddleware {
    /// A middleware on the global tracer provider and the global propagator.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes spans with this provider instead of the global one.
    #[must_use]
    pub fn tracer_provider(mut self, provider: &dyn ObjectSafeTracerProvider) -> Self {
        self.tracer = Tracer::of(provider);
        self
    }

    /// Records metrics with this provider. Default: the global one, if [`crate::telemetry::init`] has set one.
    #[must_use]
    pub fn meter_provider(mut self, provider: &dyn MeterProvider) -> Self {
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

    /// The methods that are recorded by name; any other is `_OTHER`. Default: those of the conventions, or the list in
    /// `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`.
    #[must_use]
    pub fn known_methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.known_methods = KnownMethods::new(methods);
        self
    }

    fn attributes(
        &self,
        request: &Request,
        template: Option<&'static str>,
        resend_count: i64,
    ) -> Vec<KeyValue> {
        let url = request.url();
        let mut attributes = Vec::with_capacity(9);
        let mut push = |key: &'static str, value: Value| attributes.push(KeyValue::new(key, value));
        push(
            semconv::HTTP_REQUEST_METHOD,
            self.known_methods.name(request.method()).into(),
        );
        if let Some(original) = self.known_methods.original(request.method()) {
            push(semconv::HTTP_REQUEST_METHOD_ORIGINAL, original.into());
        }
        push(semconv::URL_FULL, self.redaction.url(url).into());
        if let Some(host) = url.host_str() {
            let host = semconv::without_brackets(host);
            push(semconv::SERVER_ADDRESS, host.to_owned().into());
        }
        if let Some(port) = url.port_or_known_default() {
            push(semconv::SERVER_PORT, i64::from(port).into());
        }
        if let Some(template) = template {
            push(semconv::URL_TEMPLATE, template.into());
        }
        if resend_count > 0 {
            push(semconv::HTTP_REQUEST_RESEND_COUNT, resend_count.into());
        }
        attributes.extend(
            self.request_headers
                .attributes(semconv::HTTP_REQUEST_HEADER, request.headers()),
        );
        attributes
    }
}

#[async_trait::async_trait]
impl Middleware for TraceMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let template = extensions.get::<UrlTemplate>().map(|template| template.0);
        let resend_count = Attempts::next(extensions, request.method(), request.url().as_str());

        let name = semconv::http_span_name(&self.known_methods.name(request.method()), template);
        let attributes = self.attributes(&request, template, resend_count);
        let attempt = Attempt::start(name, attributes, &self.tracer, self.metrics.instruments());
        let cx = attempt.context();
        propagation::inject_headers(&cx, request.headers_mut());

        let result = next.run(request, extensions).with_context(cx).await;
        match &result {
            Ok(response) => {
                if semconv::client_status(response.status()) == Status::Unset {
                    Attempts::answered(extensions);
                }
                attempt.answered(response, &self.response_headers);
            }
            Err(error) => attempt.failed(error_type(error)),
        }
        result
    }
}
