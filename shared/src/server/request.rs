//! Derives a span's name and attributes from a request.

use std::{borrow::Cow, net::SocketAddr};

use http::{HeaderMap, header, request::Parts, uri::Authority};
use opentelemetry::{KeyValue, Value};

use super::{extensions::PeerAddr, forwarded::Forwarded, framework, options::Options};
use crate::internal::{
    headers,
    semconv::{self, KnownMethods},
};

/// Returns the default name of a server span: `{method} {route}`.
pub(super) fn span_name(request: &Parts, route: Option<&str>, options: &Options) -> String {
    semconv::http_span_name(&options.known_methods.name(&request.method), route)
}

/// Returns the attributes that are known at the start of the span, where samplers can read them.
pub(super) fn attributes(request: &Parts, route: Option<&str>, options: &Options) -> Vec<KeyValue> {
    let forwarded = options.trusted.read(&request.headers);
    let mut attributes = Vec::with_capacity(16);
    let mut push = |key: &'static str, value: Value| attributes.push(KeyValue::new(key, value));
    method(request, options, &mut push);
    url(request, &forwarded, options, &mut push);
    if let Some(route) = route {
        push(semconv::HTTP_ROUTE, route.to_owned().into());
    }
    server(request, &forwarded, &mut push);
    client(request, forwarded.client, &mut push);
    if let Some(size) = content_length(&request.headers).filter(|_| options.body_sizes) {
        push(semconv::HTTP_REQUEST_BODY_SIZE, size.into());
    }
    attributes.extend(
        options
            .request_headers
            .attributes(semconv::HTTP_REQUEST_HEADER, &request.headers),
    );
    attributes.extend(options.more_at_start(request));
    attributes
}

fn method(request: &Parts, options: &Options, push: &mut impl FnMut(&'static str, Value)) {
    let name = options.known_methods.name(&request.method);
    if let Some(original) = KnownMethods::original(&name, &request.method) {
        push(semconv::HTTP_REQUEST_METHOD_ORIGINAL, original.into());
    }
    push(semconv::HTTP_REQUEST_METHOD, name.into());
}

fn url(
    request: &Parts,
    forwarded: &Forwarded<'_>,
    options: &Options,
    push: &mut impl FnMut(&'static str, Value),
) {
    // The path of a CONNECT request is empty.
    let path = framework::original_uri(request)
        .unwrap_or(&request.uri)
        .path();
    push(semconv::URL_PATH, path.to_owned().into());
    // Every scheme except `https` is recorded as `http`, since clients can send any scheme, and each would become a
    // value of a metric attribute.
    let claimed = forwarded.proto.as_deref().or(request.uri.scheme_str());
    let is_https = claimed.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
    let scheme = if is_https { "https" } else { "http" };
    push(semconv::URL_SCHEME, scheme.into());
    if let Some(query) = request.uri.query().filter(|query| !query.is_empty()) {
        push(semconv::URL_QUERY, options.redaction.query(query).into());
    }
}

/// Adds the host and port to which the caller sent the request.
fn server(request: &Parts, forwarded: &Forwarded<'_>, push: &mut impl FnMut(&'static str, Value)) {
    let host = forwarded.host.as_deref();
    if let Some(authority) = host.and_then(parse).or_else(|| authority(request)) {
        let host = semconv::without_brackets(authority.host());
        push(semconv::SERVER_ADDRESS, host.to_owned().into());
        if let Some(port) = authority.port_u16() {
            push(semconv::SERVER_PORT, i64::from(port).into());
        }
    }
}

/// Adds the caller's address, protocol version and user agent.
fn client(
    request: &Parts,
    forwarded: Option<Cow<'_, str>>,
    push: &mut impl FnMut(&'static str, Value),
) {
    let peer = peer(request);
    let address = peer.map(|peer| semconv::address(peer.ip()));
    let client = forwarded
        .map(|client| client.into_owned().into())
        .or_else(|| address.clone());
    if let Some(client) = client {
        push(semconv::CLIENT_ADDRESS, client.into());
    }
    if let Some((peer, address)) = peer.zip(address) {
        push(semconv::NETWORK_PEER_ADDRESS, address.into());
        push(semconv::NETWORK_PEER_PORT, i64::from(peer.port()).into());
    }
    if let Some(version) = semconv::protocol_version(request.version) {
        push(semconv::NETWORK_PROTOCOL_VERSION, version.into());
    }
    let agent = request.headers.get(header::USER_AGENT);
    if let Some(agent) = agent.filter(|agent| !agent.is_empty()) {
        push(semconv::USER_AGENT_ORIGINAL, headers::text(agent).into());
    }
}

fn peer(request: &Parts) -> Option<&SocketAddr> {
    let told = request.extensions.get().map(|PeerAddr(peer)| peer);
    told.or_else(|| framework::peer(request))
}

/// Returns the authority of the request line (HTTP/2) or the `Host` header (HTTP/1).
fn authority(request: &Parts) -> Option<Authority> {
    request
        .uri
        .authority()
        .cloned()
        .or_else(|| parse(headers::first(&request.headers, header::HOST)?))
}

fn parse(authority: &str) -> Option<Authority> {
    authority
        .parse()
        .ok()
        .filter(|authority: &Authority| !authority.host().is_empty())
}

fn content_length(headers: &HeaderMap) -> Option<i64> {
    headers::first(headers, header::CONTENT_LENGTH)?
        .parse()
        .ok()
}
