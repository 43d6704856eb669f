//! All spans that a request causes are in its trace, including spans from its response body, and from cleanup after the
//! client has disconnected.

use std::task::Poll;

use axum::{
    Router,
    body::{Body, Bytes},
    routing::get,
};
use futures_util::stream;
use opentelemetry::trace::SpanKind;
use shared::{
    server::TraceLayer,
    testing::{Span, Trace, recorder},
};

use crate::support::{Caller, Connection, Gate, start};

/// Creates a span when it is dropped, like a transaction that is rolled back or a file that is closed.
struct TidiesUp;

impl Drop for TidiesUp {
    fn drop(&mut self) {
        tracing::info_span!("tidy_up").in_scope(|| {});
    }
}

/// Asserts that the trace has one server span, and exactly these spans as its children.
#[track_caller]
fn assert_children(trace: &Trace, names: &[&str]) {
    let is_server = |span: &&Span| span.kind == SpanKind::Server;
    let (server, children): (Vec<&Span>, Vec<&Span>) = trace.spans.iter().partition(is_server);
    let [server] = server[..] else {
        panic!("{trace}");
    };
    let found: Vec<&str> = children.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(found, names, "{trace}");
    let parent = Some(server.span_id.clone());
    assert!(
        children.iter().all(|span| span.parent_id == parent),
        "{trace}"
    );
}

#[tokio::test]
async fn body_stream_runs_in_trace() {
    let recorder = recorder();
    let mut parts = ["one", "two"].iter();
    let mut read = move || {
        tracing::info_span!("read_part").in_scope(|| {});
        parts
            .next()
            .map(|part| Ok::<_, std::io::Error>(Bytes::from(*part)))
    };
    let body = Body::from_stream(stream::poll_fn(move |_| Poll::Ready(read())));
    let body = std::sync::Mutex::new(Some(body));
    let streams = move || std::future::ready(body.lock().unwrap().take().unwrap());
    let streams = std::sync::Arc::new(streams);
    let router = Router::new().route("/streams", get(async move || streams().await));
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /streams", &caller).await;
    connection.head().await;
    for part in ["one", "two", ""] {
        assert_eq!(connection.chunk().await, part);
    }
    let trace = recorder.trace(&caller.trace_id, 4).await;
    assert_children(&trace, &["read_part"; 3]);
}

#[tokio::test]
async fn body_cleanup_after_disconnect_is_in_trace() {
    let recorder = recorder();
    let streams = async || {
        let tidies_up = TidiesUp;
        let mut part = Some("first");
        Body::from_stream(stream::poll_fn(move |_| {
            let _held = &tidies_up;
            let part = part
                .take()
                .map(|part| Ok::<_, std::io::Error>(Bytes::from(part)));
            part.map_or(Poll::Pending, |part| Poll::Ready(Some(part)))
        }))
    };
    let router = Router::new().route("/streams", get(streams));
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /streams", &caller).await;
    connection.head().await;
    assert_eq!(connection.chunk().await, "first");
    connection.reset();
    let trace = recorder.trace(&caller.trace_id, 2).await;
    assert_children(&trace, &["tidy_up"]);
}

#[tokio::test]
async fn handler_cleanup_after_disconnect_is_in_trace() {
    let recorder = recorder();
    let gate = Gate::new();
    let stuck = {
        let gate = gate.clone();
        async move || {
            let _tidies_up = TidiesUp;
            gate.pass().await;
        }
    };
    let router = Router::new().route("/stuck", get(stuck));
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /stuck", &caller).await;
    gate.entered().await;
    connection.reset();
    let trace = recorder.trace(&caller.trace_id, 2).await;
    assert_children(&trace, &["tidy_up"]);
}
