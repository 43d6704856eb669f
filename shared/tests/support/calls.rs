//! Calls through the client middleware, and their expected spans.

use opentelemetry::trace::{SpanKind, Status};
use reqwest_middleware::{Error, RequestBuilder};
use shared::testing::{Span, Trace, recorder};

use super::{Attributes, Service, Shape, attributes, error};

/// Sends a request in a new trace.
pub(crate) async fn call(request: RequestBuilder) -> (Result<reqwest::Response, Error>, Trace) {
    let (trace_id, result) = recorder().in_trace("caller", request.send()).await;
    let trace = recorder().trace(&trace_id, 2).await;
    (result, trace)
}

/// Returns the client spans of a trace by start time.
pub(crate) fn clients(trace: &Trace) -> Vec<&Span> {
    let is_client = |span: &&Span| span.kind == SpanKind::Client;
    trace.spans.iter().filter(is_client).collect()
}

/// Returns the expected client span of a GET. The span is an error if `attributes` contains an `error.type`.
pub(crate) fn get_span(trace: &Trace, attributes: Attributes) -> Shape {
    let is_error = attributes.contains_key("error.type");
    Shape {
        kind: SpanKind::Client,
        name: "GET".into(),
        parent: Some(trace.span("caller").span_id.clone()),
        status: if is_error { error() } else { Status::Unset },
        attributes,
        events: Vec::new(),
        links: Vec::new(),
    }
}

/// Returns the expected attributes of a client span when it starts.
pub(crate) fn asked(url: &str, port: u16) -> Attributes {
    attributes([
        ("http.request.method", "GET".into()),
        ("url.full", url.to_owned().into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(port).into()),
    ])
}

/// Returns the expected attributes of a client span after a response.
pub(crate) fn answered(service: &Service, url: &str, status: i64) -> Attributes {
    let port = service.address.port();
    let mut attributes = asked(url, port);
    attributes.extend(super::attributes([
        ("http.response.status_code", status.into()),
        ("network.protocol.version", "1.1".into()),
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", i64::from(port).into()),
    ]));
    if status >= 400 {
        attributes.insert("error.type".into(), status.to_string().into());
    }
    attributes
}
