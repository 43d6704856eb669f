//! [`Shape`]: the reproducible parts of a span, which tests compare as a whole.

use std::{collections::BTreeMap, time::SystemTime};

use opentelemetry::{
    Value,
    trace::{SpanKind, Status},
};
use shared::testing::Span;

use super::Caller;

pub(crate) type Attributes = BTreeMap<String, Value>;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    pub(crate) kind: SpanKind,
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
    pub(crate) status: Status,
    pub(crate) attributes: Attributes,
    pub(crate) events: Vec<String>,
    pub(crate) links: Vec<(String, String)>,
}

/// Returns the shape of a recorded span. Asserts that no attribute is recorded twice or empty, except for the path of a
/// CONNECT, which may be empty.
#[track_caller]
pub(crate) fn shape(span: &Span) -> Shape {
    assert_eq!(span.repeated, Vec::<String>::new(), "recorded twice");
    for (key, value) in &span.attributes {
        let may_be_empty = key == "url.path" && span.name == "CONNECT";
        assert!(may_be_empty || value.as_str() != "", "{key} is empty");
    }
    Shape {
        kind: span.kind.clone(),
        name: span.name.clone(),
        parent: span.parent_id.clone(),
        status: span.status.clone(),
        attributes: span.attributes.clone(),
        events: span.events.iter().map(|event| event.name.clone()).collect(),
        links: span.links.clone(),
    }
}

/// Returns the expected server span of a request over a [`Connection`](super::Connection) from `port`. The span is an
/// error if it has an `error.type`.
pub(crate) fn server(
    caller: &Caller,
    request: (&str, &str, &str),
    port: u16,
    status: Option<i64>,
    error_type: Option<&str>,
) -> Shape {
    let (method, path, route) = request;
    let mut attributes = request_attributes(method, path, Some(route), port);
    attributes.extend(status.map(|status| ("http.response.status_code".into(), status.into())));
    attributes.extend(error_type.map(|name| ("error.type".into(), name.to_owned().into())));
    Shape {
        kind: SpanKind::Server,
        name: format!("{method} {route}"),
        parent: Some(caller.span_id.clone()),
        status: error_type.map_or(Status::Unset, |_| error()),
        attributes,
        events: Vec::new(),
        links: Vec::new(),
    }
}

/// Returns the expected attributes of a server span when it starts.
pub(crate) fn request_attributes(
    method: &str,
    path: &str,
    route: Option<&str>,
    port: u16,
) -> Attributes {
    let mut expected = attributes([
        ("http.request.method", method.to_owned().into()),
        ("url.path", path.to_owned().into()),
        ("url.scheme", "http".into()),
        ("server.address", "shop.example".into()),
        ("server.port", 8080.into()),
        ("client.address", "127.0.0.1".into()),
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", i64::from(port).into()),
        ("network.protocol.version", "1.1".into()),
    ]);
    expected.extend(route.map(|route| ("http.route".into(), route.to_owned().into())));
    expected
}

pub(crate) fn attributes<const N: usize>(attributes: [(&str, Value); N]) -> Attributes {
    attributes
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// Returns the error status without a description, since the status code states the reason.
pub(crate) fn error() -> Status {
    Status::error("")
}

/// Asserts that the span did not start before `start`, covers the time range `inside`, and does not end in the future.
#[track_caller]
pub(crate) fn assert_between(span: &Span, start: SystemTime, inside: (SystemTime, SystemTime)) {
    assert!(start <= span.start, "the span started before its request");
    assert!(
        span.start <= inside.0,
        "the span started too late: {span:?}"
    );
    assert!(inside.1 <= span.end, "the span ended too early: {span:?}");
    assert!(span.end <= SystemTime::now(), "the span ends in the future");
}
