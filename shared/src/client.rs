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

use http::Extensions;
use opentelemetry::{
    Context, KeyValue,
    global::ObjectSafeTracerProvider,
    trace::{FutureExt as _, SpanBuilder, SpanKind, Status, TraceContextExt as _},
};
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use crate::{
    error::causes,
    propagation::{self, HeaderInjector},
    redact, semconv,
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
        let attempts = extensions.get_or_insert_default::<Attempts>();
        let resend_count = attempts.0;
        attempts.0 += 1;

        let method = semconv::method(request.method());
        let span = SpanBuilder::from_name(semconv::http_span_name(&method, template))
            .with_kind(SpanKind::Client)
            .with_attributes(attributes(&request, template, resend_count));
        let parent = Context::current();
        let cx = parent.with_span(self.tracer.start(span, &parent));
        propagation::inject_context(&cx, &mut HeaderInjector(request.headers_mut()));

        // The last context that holds a span ends it, so an attempt that is dropped here ends it too.
        let result = next.run(request, extensions).with_context(cx.clone()).await;
        let span = cx.span();
        match &result {
            Ok(response) => {
                let status = response.status();
                span.set_attribute(KeyValue::new(
                    semconv::HTTP_RESPONSE_STATUS_CODE,
                    i64::from(status.as_u16()),
                ));
                if let Some(version) = semconv::protocol_version(response.version()) {
                    span.set_attribute(KeyValue::new(semconv::NETWORK_PROTOCOL_VERSION, version));
                }
                if let Some(peer) = response.remote_addr() {
                    span.set_attribute(KeyValue::new(
                        semconv::NETWORK_PEER_ADDRESS,
                        peer.ip().to_string(),
                    ));
                    span.set_attribute(KeyValue::new(
                        semconv::NETWORK_PEER_PORT,
                        i64::from(peer.port()),
                    ));
                }
                if status.is_client_error() || status.is_server_error() {
                    span.set_attribute(KeyValue::new(
                        semconv::ERROR_TYPE,
                        status.as_str().to_owned(),
                    ));
                }
                span.set_status(semconv::client_status(status));
            }
            Err(error) => {
                span.set_attribute(KeyValue::new(semconv::ERROR_TYPE, error_type(error)));
                span.set_status(Status::error(""));
            }
        }
        span.end();
        result
    }
}

fn attributes(
    request: &Request,
    template: Option<&'static str>,
    resend_count: i64,
) -> Vec<KeyValue> {
    let url = request.url();
    let method = semconv::method(request.method());
    let mut attributes = Vec::with_capacity(9);
    if method == "_OTHER" {
        let original = request.method().as_str().to_owned();
        attributes.push(KeyValue::new(
            semconv::HTTP_REQUEST_METHOD_ORIGINAL,
            original,
        ));
    }
    attributes.push(KeyValue::new(semconv::HTTP_REQUEST_METHOD, method));
    attributes.push(KeyValue::new(semconv::URL_FULL, redact::url(url)));
    if let Some(host) = url.host_str() {
        attributes.push(KeyValue::new(semconv::SERVER_ADDRESS, host.to_owned()));
    }
    if let Some(port) = url.port_or_known_default() {
        attributes.push(KeyValue::new(semconv::SERVER_PORT, i64::from(port)));
    }
    if let Some(template) = template {
        attributes.push(KeyValue::new(semconv::URL_TEMPLATE, template));
    }
    if resend_count > 0 {
        attributes.push(KeyValue::new(
            semconv::HTTP_REQUEST_RESEND_COUNT,
            resend_count,
        ));
    }
    attributes
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
