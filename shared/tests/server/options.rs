//! Each option of the layer, compared with the behavior without the option.

use axum::{
    Extension, Router,
    body::Bytes,
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use http::StatusCode;
use opentelemetry::{Context, baggage::BaggageExt as _, propagation::TextMapCompositePropagator};
use shared::{
    client::TraceMiddleware,
    propagation::response_span,
    server::{
        ForwardedHeader::{self, XForwardedFor, XForwardedHost, XForwardedProto},
        PeerAddr, TraceLayer,
    },
    testing::{Span, recorder},
};

use crate::support::{
    Answer, Attributes, Caller, Connection, Shape, attributes, client, server, shape, start,
};

/// Sends one request through the layer to a handler. Returns the response, the caller, the server span, and the local
/// port.
pub(crate) async fn trace(
    layer: TraceLayer,
    line: &str,
    more: &str,
    answer: fn() -> Response,
) -> (Answer, Caller, Span, u16) {
    let recorder = recorder();
    let route = async move |_: Bytes| answer();
    let service = start(Router::new().route("/items/{id}", any(route)).layer(layer)).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request_with(line, &caller, more).await;
    let answer = connection.answer().await;
    let mut trace = recorder.trace(&caller.trace_id, 1).await;
    (answer, caller, trace.spans.remove(0), connection.port)
}

pub(crate) const ITEM: (&str, &str, &str) = ("GET", "/items/1", "/items/{id}");

pub(crate) fn ok() -> Response {
    StatusCode::OK.into_response()
}

/// Asserts that the server span has these attributes in addition to its default attributes, and no others.
pub(crate) async fn assert_adds(layer: TraceLayer, line: &str, more: &str, added: Attributes) {
    let (_, caller, span, port) = trace(layer, line, more, || {
        ([("x-cache", "hit"), ("set-cookie", "id=1")], "answer").into_response()
    })
    .await;
    let mut expected = server(&caller, ITEM, port, Some(200), None);
    expected.attributes.extend(added);
    assert_eq!(shape(&span), expected, "{line}");
}

#[tokio::test]
async fn filtered_request_passes_callers_context_to_calls() {
    let recorder = recorder();
    let next = Router::new()
        .route("/next", get(()))
        .layer(TraceLayer::new());
    let next = start(next).await;
    let (url, calls) = (next.url("/next"), client(TraceMiddleware::new()));
    let handler = async move || drop(calls.get(url).send().await);
    let layer = TraceLayer::new().filter(|request| request.uri.path() != "/quiet");
    let service = start(Router::new().route("/quiet", get(handler)).layer(layer)).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /quiet", &caller).await;
    let answer = connection.answer().await;
    assert_eq!(answer.headers.get("traceresponse"), None);

    let trace = recorder.trace(&caller.trace_id, 2).await;
    let orphaned = format!(
        "orphan of {}:\n  CLIENT GET\n    SERVER GET /next\n",
        caller.span_id
    );
    assert_eq!(trace.tree(), orphaned);
}

#[tokio::test]
async fn public_endpoint_links_caller_and_drops_baggage() {
    let recorder = recorder();
    let handler = async || {
        let baggage = Context::map_current(|cx| cx.baggage().len());
        format!("{baggage} {}", shared::span::trace_id().unwrap())
    };
    let layer = TraceLayer::new().public_endpoint(|request| request.uri.path() == "/public");
    let router = Router::new()
        .route("/public", get(handler))
        .route("/private", get(handler));
    let service = start(router.layer(layer)).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    let baggage = "baggage: user=7\r\n";
    connection
        .request_with("GET /public", &caller, baggage)
        .await;
    let answer = connection.answer().await;
    let (entries, trace_id) = answer.body.split_once(' ').unwrap();
    assert_eq!(entries, "0");
    assert_ne!(trace_id, caller.trace_id);
    let trace = recorder.trace(trace_id, 1).await;
    let request = ("GET", "/public", "/public");
    let expected = Shape {
        parent: None,
        links: vec![(caller.trace_id.clone(), caller.span_id.clone())],
        ..server(&caller, request, connection.port, Some(200), None)
    };
    assert_eq!(shape(&trace.spans[0]), expected);
    assert_eq!(recorder.now(&caller.trace_id).spans, []);

    connection
        .request_with("GET /private", &caller, baggage)
        .await;
    assert_eq!(
        connection.answer().await.body,
        format!("1 {}", caller.trace_id)
    );
}

#[tokio::test]
async fn forwarding_headers_are_used_only_if_trusted() {
    let more = "X-Forwarded-For: 192.0.2.1:4711, 10.0.0.1\r\nX-Forwarded-Host: [2001:db8::1]:443\r\n\
                X-Forwarded-Proto: https\r\n";
    assert_adds(TraceLayer::new(), "GET /items/1", more, attributes([])).await;
    let believed = attributes([
        ("client.address", "192.0.2.1".into()),
        ("server.address", "2001:db8::1".into()),
        ("server.port", 443.into()),
        ("url.scheme", "https".into()),
    ]);
    let layer = TraceLayer::new().trust_forwarded([XForwardedFor, XForwardedHost, XForwardedProto]);
    assert_adds(layer, "GET /items/1", more, believed).await;
}

#[tokio::test]
async fn untrusted_forwarding_header_is_ignored() {
    let more = "Forwarded: for=6.6.6.6;host=evil.example;proto=https\r\nX-Forwarded-Host: evil.example\r\n\
                X-Forwarded-For: 192.0.2.1\r\n";
    let of_the_proxy = attributes([("client.address", "192.0.2.1".into())]);
    let layer = TraceLayer::new().trust_forwarded([XForwardedFor]);
    assert_adds(layer, "GET /items/1", more, of_the_proxy).await;

    let more = "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=\"192.0.2.1:80\";secret=\"a, for=6.6.6.6\", for=b\r\n";
    let of_the_proxy = attributes([("client.address", "192.0.2.1".into())]);
    let layer = TraceLayer::new().trust_forwarded([ForwardedHeader::Forwarded]);
    assert_adds(layer, "GET /items/1", more, of_the_proxy).await;
}

#[tokio::test]
async fn traceresponse_can_be_left_out() {
    let (answer, ..) = trace(
        TraceLayer::new().traceresponse(false),
        "GET /items/1",
        "",
        ok,
    )
    .await;
    assert_eq!(answer.headers.get("traceresponse"), None);
}

#[tokio::test]
async fn layer_without_propagators_starts_new_trace() {
    let recorder = recorder();
    let layer = TraceLayer::new().propagator(TextMapCompositePropagator::new(Vec::new()));
    let service = start(Router::new().route("/", get(())).layer(layer)).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /", &caller).await;
    let answer = connection.answer().await;
    let trace = recorder
        .trace(&answer.headers["traceresponse"][3..35], 1)
        .await;
    assert_eq!(trace.spans[0].parent_id, None);
    assert_eq!(recorder.now(&caller.trace_id).spans, []);
}

#[tokio::test]
async fn explicit_peer_overrides_connected_peer() {
    let recorder = recorder();
    let told = PeerAddr("[2001:db8::7]:4711".parse().unwrap());
    let router = Router::new().route("/items/{id}", get(()));
    let service = start(router.layer(TraceLayer::new()).layer(Extension(told))).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /items/1", &caller).await;
    connection.answer().await;
    let trace = recorder.trace(&caller.trace_id, 1).await;
    let mut expected = server(&caller, ITEM, 4711, Some(200), None);
    for key in ["client.address", "network.peer.address"] {
        let address = (key.to_owned(), "2001:db8::7".into());
        expected.attributes.extend([address]);
    }
    assert_eq!(shape(&trace.spans[0]), expected);
}

#[tokio::test]
async fn server_timing_names_span_beside_entries_of_handler() {
    let recorder = recorder();
    let handler = async || [("server-timing", "db;dur=53")];
    let router = Router::new().route("/", get(handler));
    let layer = TraceLayer::new().server_timing(true).traceresponse(false);
    let service = start(router.layer(layer)).await;
    let answer = crate::support::bare_client()
        .get(service.url("/"))
        .send()
        .await
        .unwrap();
    assert!(!answer.headers().contains_key("traceresponse"));
    let timings: Vec<_> = answer.headers().get_all("server-timing").iter().collect();
    assert_eq!(timings[0], "db;dur=53");
    let trace = timings[1].to_str().unwrap();
    let traceparent = trace.strip_prefix("trace;desc=00-").unwrap();
    assert_eq!(traceparent.len(), 52, "{trace}");

    let named = response_span(answer.headers()).unwrap();
    let trace = recorder.trace(&named.trace_id().to_string(), 1).await;
    assert_eq!(trace.spans[0].span_id, named.span_id().to_string());
}
