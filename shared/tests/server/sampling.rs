//! Sampling decisions and trace flags of requests, and how the `tracing` idioms pass them on.

use axum::{Router, routing::get};
use opentelemetry::trace::TraceContextExt as _;
use shared::{
    server::TraceLayer, testing::recorder, tracing_opentelemetry::OpenTelemetrySpanExt as _,
};
use tracing::Span;

use crate::{
    idioms::spawn_in_current_span,
    support::{Caller, Connection, start},
};

#[tokio::test]
async fn unsampled_request_stays_unsampled_in_spawned_task() {
    let recorder = recorder();
    let router = Router::new().route(
        "/",
        get(async || {
            spawn_in_current_span().await;
            let cx = Span::current().context();
            let span = cx.span();
            let context = span.span_context();
            format!("{} {}", context.trace_id(), context.is_sampled())
        }),
    );
    let service = start(router.layer(TraceLayer::new())).await;
    let caller = Caller::new();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: a\r\ntraceparent: 00-{}-{}-00\r\n\r\n",
        caller.trace_id, caller.span_id
    );
    let mut connection = Connection::open(&service).await;
    connection.send(request.as_bytes()).await;
    let expected = format!("{} false", caller.trace_id);
    assert_eq!(connection.answer().await.body, expected);
    service.shut_down().await;
    assert_eq!(recorder.now(&caller.trace_id).spans, []);
}

#[tokio::test]
async fn filtered_request_hands_on_callers_trace() {
    let recorder = recorder();
    let router = Router::new().route("/", get(spawn_in_current_span));
    let service = start(router.layer(TraceLayer::new().filter(|_| false))).await;
    let caller = Caller::new();
    let mut connection = Connection::open(&service).await;
    connection.request("GET /", &caller).await;
    assert_eq!(connection.answer().await.status, 200);
    let trace = recorder.trace(&caller.trace_id, 3).await;
    for span in &trace.spans {
        assert_eq!(span.parent_id.as_ref(), Some(&caller.span_id));
    }
}

#[tracing::instrument]
async fn flags() -> String {
    let of_child = opentelemetry::Context::current();
    format!("{:?}", of_child.span().span_context().trace_flags())
}

#[tokio::test]
async fn spans_of_new_trace_have_random_flag() {
    recorder();
    let router = Router::new().route("/", get(flags));
    let service = start(router.layer(TraceLayer::new())).await;
    for (traceparent, expected) in [
        ("", "TraceFlags(3)"),
        (
            "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n",
            "TraceFlags(1)",
        ),
        (
            "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03\r\n",
            "TraceFlags(3)",
        ),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{traceparent}\r\n");
        let mut connection = Connection::open(&service).await;
        connection.send(request.as_bytes()).await;
        assert_eq!(connection.answer().await.body, expected, "{traceparent}");
    }
}
