//! Derives a span's name and attributes from a request, in the same way for all clients.

use std::{
    borrow::Cow,
    sync::{Arc, Weak},
};

use http::{Extensions, HeaderMap, Method, Request, Version, header::HOST};
use opentelemetry::{KeyValue, Value};
use url::Url;

use super::{TraceMiddleware, UrlTemplate, attempt::Attempt, resend::Attempts};
use crate::internal::semconv::{self, KnownMethods};

/// An outgoing request.
pub(super) struct Outgoing<'a> {
    pub(super) method: &'a Method,
    /// `None` if neither the request line nor the `Host` header names the server.
    pub(super) url: Option<&'a Url>,
    pub(super) headers: &'a HeaderMap,
    pub(super) version: Version,
    pub(super) template: Option<&'a UrlTemplate>,
    /// The extensions in which attempts are counted. `None` if the client does not keep them between attempts.
    pub(super) extensions: Option<&'a mut Extensions>,
}

/// A request extension that marks a request with a CLIENT span. Until the attempt ends, a second middleware or layer
/// does nothing for a request with this extension.
#[derive(Debug, Clone)]
pub(super) struct Traced(Weak<()>);

impl Traced {
    pub(super) fn by(attempt: &Attempt) -> Self {
        Self(Arc::downgrade(&attempt.alive))
    }

    pub(super) fn is_in(extensions: &Extensions) -> bool {
        extensions
            .get::<Self>()
            .is_some_and(|Self(attempt)| attempt.strong_count() > 0)
    }
}

impl TraceMiddleware {
    /// Starts the span of an attempt.
    pub(super) fn start(&self, request: Outgoing<'_>) -> Attempt {
        let tell_baggage = request.url.is_some_and(|url| self.baggage_to.includes(url));
        let version = sent_version(&request);
        Attempt::start(self, tell_baggage, version, || {
            let method = self.known_methods.name(request.method);
            let template = request.template.map(|template| &*template.0);
            let name = semconv::http_span_name(&method, template);
            (name, self.attributes(method, request))
        })
    }

    fn attributes(&self, method: Cow<'static, str>, request: Outgoing<'_>) -> Vec<KeyValue> {
        // The capacity includes the attributes of the response, which are added later.
        let mut attributes = Vec::with_capacity(12);
        let mut push = |key: &'static str, value: Value| attributes.push(KeyValue::new(key, value));
        if let Some(original) = KnownMethods::original(&method, request.method) {
            push(semconv::HTTP_REQUEST_METHOD_ORIGINAL, original.into());
        }
        push(semconv::HTTP_REQUEST_METHOD, method.into());
        if let Some(url) = request.url {
            push(semconv::URL_FULL, self.redaction.url(url).into());
            if let Some(host) = url.host_str() {
                let host = semconv::without_brackets(host);
                push(semconv::SERVER_ADDRESS, host.to_owned().into());
            }
            if let Some(port) = url.port_or_known_default() {
                push(semconv::SERVER_PORT, i64::from(port).into());
            }
        }
        if let Some(UrlTemplate(template)) = request.template {
            push(semconv::URL_TEMPLATE, template.clone().into());
        }
        if let (Some(extensions), Some(url)) = (request.extensions, request.url) {
            let sent_before = Attempts::next(extensions, request.method, url.as_str());
            if sent_before > 0 {
                push(semconv::HTTP_REQUEST_RESEND_COUNT, sent_before.into());
            }
        }
        attributes.extend(
            self.request_headers
                .attributes(semconv::HTTP_REQUEST_HEADER, request.headers),
        );
        attributes
    }
}

/// Returns the protocol version if it is known before the response. With TLS, the version is negotiated during the
/// handshake.
fn sent_version(request: &Outgoing<'_>) -> Option<Version> {
    let is_plain = request.url.is_some_and(|url| url.scheme() == "http");
    is_plain.then_some(request.version)
}

/// Returns the URL of a request: from the request line, or from the `Host` header if the request line has only a path,
/// as with a connection that the caller has opened itself. The scheme defaults to `http`.
pub(super) fn url<B>(request: &Request<B>) -> Option<Url> {
    let uri = request.uri();
    let authority = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => request.headers().get(HOST)?.to_str().ok()?,
    };
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let scheme = uri.scheme_str().unwrap_or("http");
    Url::parse(&format!("{scheme}://{authority}{path}")).ok()
}
