//! What a request says about itself, as span name and attributes.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, MatchedPath};
use http::{HeaderMap, header, request::Parts, uri::Authority};
use opentelemetry::KeyValue;

use crate::{redact, semconv};

/// `{method} {route}`. The route is there for a layer that a router was given with `Router::layer`.
pub(super) fn span_name(request: &Parts) -> String {
    semconv::http_span_name(&semconv::method(&request.method), route(request))
}

pub(super) fn route(request: &Parts) -> Option<&str> {
    request
        .extensions
        .get::<MatchedPath>()
        .map(MatchedPath::as_str)
}

/// The attributes that are known when the span starts, which is when a sampler asks for them.
pub(super) fn attributes(request: &Parts) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(14);
    let mut push =
        |key: &'static str, value: opentelemetry::Value| attributes.push(KeyValue::new(key, value));

    let method = semconv::method(&request.method);
    if method == "_OTHER" {
        push(
            semconv::HTTP_REQUEST_METHOD_ORIGINAL,
            request.method.as_str().to_owned().into(),
        );
    }
    push(semconv::HTTP_REQUEST_METHOD, method.into());
    push(semconv::URL_PATH, request.uri.path().to_owned().into());
    push(
        semconv::URL_SCHEME,
        request.uri.scheme_str().unwrap_or("http").to_owned().into(),
    );
    if let Some(query) = request.uri.query().filter(|query| !query.is_empty()) {
        push(semconv::URL_QUERY, redact::query(query).into());
    }
    if let Some(route) = route(request) {
        push(semconv::HTTP_ROUTE, route.to_owned().into());
    }
    if let Some(authority) = authority(request) {
        push(semconv::SERVER_ADDRESS, authority.host().to_owned().into());
        if let Some(port) = authority.port_u16() {
            push(semconv::SERVER_PORT, i64::from(port).into());
        }
    }
    if let Some(ConnectInfo(peer)) = request.extensions.get::<ConnectInfo<SocketAddr>>() {
        push(semconv::CLIENT_ADDRESS, peer.ip().to_string().into());
        push(semconv::NETWORK_PEER_ADDRESS, peer.ip().to_string().into());
        push(semconv::NETWORK_PEER_PORT, i64::from(peer.port()).into());
    }
    if let Some(version) = semconv::protocol_version(request.version) {
        push(semconv::NETWORK_PROTOCOL_VERSION, version.into());
    }
    if let Some(agent) = text(&request.headers, &header::USER_AGENT) {
        push(semconv::USER_AGENT_ORIGINAL, agent.to_owned().into());
    }
    attributes
}

/// From the request line in HTTP/2, from the `Host` header in HTTP/1.
fn authority(request: &Parts) -> Option<Authority> {
    request
        .uri
        .authority()
        .cloned()
        .or_else(|| text(&request.headers, &header::HOST)?.parse().ok())
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers
        .get(name)?
        .to_str()
        .ok()
        .filter(|value| !value.is_empty())
}
