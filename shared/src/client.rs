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
//! With retries, put them before this middleware, so that each attempt passes through it:
//! `ClientBuilder::new(..).with(retry).with(TraceMiddleware::new())`.

use std::time::Instant;

use http::{Extensions, HeaderName};
use opentelemetry::{
    Context, KeyValue, Value,
    global::ObjectSafeTracerProvider,
    metrics::MeterProvider,
    trace::{FutureExt as _, SpanBuilder, SpanKind, Status, TraceContextExt as _},
};
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use crate::{
    error::causes,
    headers::Recorded,
    metrics::{self, Metrics},
    propagation::{self, HeaderInjector},
    redact::Redaction,
    semconv::{self, KnownMethods},
    tracer::Tracer,
};

/// Makes every attempt of a request a CLIENT span and injects its context into the headers.
///
/// Attributes by the [HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span).
/// The span ends when the response's headers are in. Redirects that `reqwest` follows are part of the one span: it
/// carries the requested URL and the last answer's status. A request whose future is dropped was cancelled by its caller: no
/// error. Without an active span the CLIENT span is the root of a new trace.
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

/// How often this request was sent, kept in its extensions from attempt to attempt.
#[derive(Debug, Clone, Copy, Default)]
struct Attempts(i64);

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

    /// Records these request headers as `http.request.header.<name>`. Default: none. `Authorization`,
    /// `Proxy-Authorization`, `Cookie` and `Set-Cookie` never are, listed or not.
    #[must_use]
    pub fn request_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.request_headers = Recorded::new(names);
        self
    }

    /// Records these response headers as `http.response.header.<name>`. Default: none; the same are never recorded.
    #[must_use]
    pub fn response_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.response_headers = Recorded::new(names);
        self
    }

    /// Redacts the values of these query keys in `url.full`, beside those that the conventions list.
    #[must_use]
    pub fn redact_query_keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.redaction = Redaction::with_keys(keys);
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

    /// What the response, or the lack of one, says about the attempt; with the span's status.
    fn outcome(&self, result: &Result<Response>) -> (Vec<KeyValue>, Status) {
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                return (
                    vec![KeyValue::new(semconv::ERROR_TYPE, error_type(error))],
                    Status::error(""),
                );
            }
        };
        let status = response.status();
        let mut attributes = vec![KeyValue::new(
            semconv::HTTP_RESPONSE_STATUS_CODE,
            i64::from(status.as_u16()),
        )];
        if let Some(version) = semconv::protocol_version(response.version()) {
            attributes.push(KeyValue::new(semconv::NETWORK_PROTOCOL_VERSION, version));
        }
        if let Some(peer) = response.remote_addr() {
            attributes.push(KeyValue::new(
                semconv::NETWORK_PEER_ADDRESS,
                peer.ip().to_string(),
            ));
            attributes.push(KeyValue::new(
                semconv::NETWORK_PEER_PORT,
                i64::from(peer.port()),
            ));
        }
        if status.is_client_error() || status.is_server_error() {
            attributes.push(KeyValue::new(
                semconv::ERROR_TYPE,
                status.as_str().to_owned(),
            ));
        }
        attributes.extend(
            self.response_headers
                .attributes(semconv::HTTP_RESPONSE_HEADER, response.headers()),
        );
        (attributes, semconv::client_status(status))
    }
}

/// Of a client span's attributes, those of `http.client.request.duration`.
const DURATION: [&str; 6] = [
    semconv::HTTP_REQUEST_METHOD,
    semconv::SERVER_ADDRESS,
    semconv::SERVER_PORT,
    semconv::HTTP_RESPONSE_STATUS_CODE,
    semconv::ERROR_TYPE,
    semconv::NETWORK_PROTOCOL_VERSION,
];

#[async_trait::async_trait]
impl Middleware for TraceMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let template = extensions.get::<UrlTemplate>().map(|template| template.0);
        let attempts = extensions.get_or_insert_default::<Attempts>();
        let resend_count = attempts.0;
        attempts.0 += 1;

        let name = semconv::http_span_name(&self.known_methods.name(request.method()), template);
        let attributes = self.attributes(&request, template, resend_count);
        let started = Instant::now();
        let instruments = self.metrics.instruments();
        let mut measured = instruments
            .map(|_| metrics::low_cardinality(&attributes, &DURATION))
            .unwrap_or_default();

        let span = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Client)
            .with_attributes(attributes);
        let parent = Context::current();
        let cx = parent.with_span(self.tracer.start(span, &parent));
        propagation::inject_context(&cx, &mut HeaderInjector(request.headers_mut()));

        // The last context that holds a span ends it, so an attempt that is dropped here ends it too.
        let result = next.run(request, extensions).with_context(cx.clone()).await;

        let (attributes, status) = self.outcome(&result);
        if let Some(instruments) = instruments {
            measured.extend(metrics::low_cardinality(&attributes, &DURATION));
            instruments
                .client_duration
                .record(started.elapsed().as_secs_f64(), &measured);
        }
        let span = cx.span();
        span.set_attributes(attributes);
        span.set_status(status);
        span.end();
        result
    }
}

/// A stable name for what kept the answer away: `timeout`, `dns`, `tls`, `connect`, `reset`, `body`, or `_OTHER`.
///
/// The error's own text would have as many values as there are addresses.
pub fn error_type(error: &Error) -> &'static str {
    let Error::Reqwest(error) = error else {
        return semconv::ERROR_OTHER;
    };
    let io_kinds = || {
        causes(error)
            .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
            .map(std::io::Error::kind)
    };
    let says = |text: &str| causes(error).any(|cause| cause.to_string().starts_with(text));
    if error.is_timeout() {
        semconv::ERROR_TIMEOUT
    } else if error.is_connect() {
        if says("dns error") {
            "dns"
        } else if says("invalid peer certificate") || says("received fatal alert") {
            "tls"
        } else {
            "connect"
        }
    } else if io_kinds().any(is_reset) || says("connection closed before message completed") {
        "reset"
    } else if error.is_body() || error.is_decode() {
        semconv::ERROR_BODY
    } else {
        semconv::ERROR_OTHER
    }
}

fn is_reset(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind;
    matches!(
        kind,
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
    )
}
