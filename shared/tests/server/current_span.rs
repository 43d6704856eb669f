//! In a handler, the server span can be used like any other current OpenTelemetry span.

use axum::{Router, routing::get};
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt as _, TraceState},
};
use shared::{server::TraceLayer, testing::recorder};

use crate::support::{Caller, Connection, Shape, server, shape, start};

#[tokio::test]
async fn handler_can_rename_and_link_span() {
    let recorder = recorder();
    let (caller, earlier) = (Caller::new(), Caller::new());
    let linked = SpanContext::new(
        u128::from_str_radix(&earlier.trace_id, 16).unwrap().into(),
        u64::from_str_radix(&earlier.span_id, 16).unwrap().into(),
        opentelemetry::TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let handler = async move || {
        Context::map_current(|cx| {
            cx.span().update_name("resume order");
            cx.span().add_link(linked, Vec::new());
        });
    };
    let router = Router::new().route("/resume", get(handler));
    let service = start(router.layer(TraceLayer::new())).await;
    let mut connection = Connection::open(&service).await;
    connection.request("GET /resume", &caller).await;
    assert_eq!(connection.answer().await.status, 200);

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let request = ("GET", "/resume", "/resume");
    let expected = Shape {
        name: "resume order".into(),
        links: vec![(earlier.trace_id, earlier.span_id)],
        ..server(&caller, request, connection.port, Some(200), None)
    };
    assert_eq!(shape(&trace.spans[0]), expected);
}

#[tokio::test]
async fn handler_sees_whether_span_is_recorded() {
    recorder();
    let handler = async || Context::map_current(|cx| cx.span().is_recording().to_string());
    let router = Router::new().route("/", get(handler));
    let service = start(router.layer(TraceLayer::new())).await;
    for (flags, is_recording) in [("00", "false"), ("01", "true")] {
        let traceparent = Caller::new().traceparent();
        let (ids, _) = traceparent.rsplit_once('-').unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\ntraceparent: {ids}-{flags}\r\n\r\n");
        let mut connection = Connection::open(&service).await;
        connection.send(request.as_bytes()).await;
        assert_eq!(connection.answer().await.body, is_recording, "{flags}");
    }
}
