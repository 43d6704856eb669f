//! Every way in which a request can end before its response is complete, and what its span records then.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    extract::Path,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use http::StatusCode;
use opentelemetry::trace::Status;
use shared::{
    client::{TraceMiddleware, UrlTemplate},
    problem,
    server::TraceLayer,
    testing::recorder,
};

use crate::support::{
    Caller, Connection, Gate, Parts, Service, Shape, assert_between, client, parts, server, shape,
    start,
};

const ABANDONED: &str = "request.abandoned";

async fn status(Path(code): Path<u16>) -> StatusCode {
    StatusCode::from_u16(code).unwrap()
}

#[tokio::test]
async fn status_below_500_leaves_span_status_unset() {
    let recorder = recorder();
    let router = Router::new().route("/status/{code}", post(status));
    let service = start(router.layer(TraceLayer::new())).await;
    let mut connection = Connection::open(&service).await;
    for code in [200, 201, 302, 400, 401, 404, 418, 499] {
        let (caller, path) = (Caller::new(), format!("/status/{code}"));
        let before = SystemTime::now();
        connection.request(&format!("POST {path}"), &caller).await;
        let answer = connection.answer().await;
        assert_eq!(i64::from(answer.status), code);

        let trace = recorder.trace(&caller.trace_id, 1).await;
        let request = ("POST", path.as_str(), "/status/{code}");
        let expected = server(&caller, request, connection.port, Some(code), None);
        assert_eq!(shape(&trace.spans[0]), expected);
        assert!(before <= trace.spans[0].start && trace.spans[0].end <= SystemTime::now());
        let traceresponse = format!("00-{}-{}-01", caller.trace_id, trace.spans[0].span_id);
        assert_eq!(answer.headers["traceresponse"], traceresponse);
    }
}

#[tokio::test]
async fn server_status_is_error_from_500() {
    let recorder = recorder();
    let router = Router::new().route("/status/{code}", get(status));
    let service = start(router.layer(TraceLayer::new())).await;
    let mut connection = Connection::open(&service).await;
    for code in [500, 502, 503, 599] {
        let (caller, path) = (Caller::new(), format!("/status/{code}"));
        connection.request(&format!("GET {path}"), &caller).await;
        assert_eq!(i64::from(connection.answer().await.status), code);

        let trace = recorder.trace(&caller.trace_id, 1).await;
        let request = ("GET", path.as_str(), "/status/{code}");
        let error_type = code.to_string();
        let expected = server(
            &caller,
            request,
            connection.port,
            Some(code),
            Some(&error_type),
        );
        assert_eq!(shape(&trace.spans[0]), expected);
    }
}

#[tokio::test]
async fn disconnect_before_answer_ends_trace() {
    let recorder = recorder();
    let gate = Gate::new();
    let stuck = {
        let gate = gate.clone();
        move || async move { gate.pass().await }
    };
    let inventory = Router::new()
        .route("/check/{item_id}", get(stuck))
        .layer(TraceLayer::new().tracer_provider(&recorder.provider("inventory")));
    let inventory = start(inventory).await;
    let (url, provider) = (
        inventory.url("/check/item-stuck"),
        recorder.provider("checkout"),
    );
    let calls = client(TraceMiddleware::new().tracer_provider(&provider));
    let checkout = move || async move {
        let check = calls
            .get(url)
            .with_extension(UrlTemplate::new("/check/{item_id}"));
        check.send().await.map(drop).unwrap_or_default();
    };
    let checkout = Router::new()
        .route("/checkout", post(checkout))
        .layer(TraceLayer::new().tracer_provider(&provider));
    let checkout = start(checkout).await;

    let (caller, mut connection) = (Caller::new(), Connection::open(&checkout).await);
    let port = connection.port;
    let before = SystemTime::now();
    connection.request("POST /checkout", &caller).await;
    gate.entered().await;
    let inside = SystemTime::now();
    drop(connection);
    let gone = SystemTime::now();

    let trace = recorder.trace(&caller.trace_id, 3).await;
    let request = ("POST", "/checkout", "/checkout");
    let root = trace.span("POST /checkout");
    let expected = Shape {
        events: vec![ABANDONED.into()],
        ..server(&caller, request, port, None, None)
    };
    assert_eq!(shape(root), expected);
    let [call, next] = ["checkout", "inventory"].map(|service| {
        let is = |span: &&shared::testing::Span| {
            span.service == service && span.name == "GET /check/{item_id}"
        };
        trace.spans.iter().find(is).unwrap()
    });
    assert_eq!(call.parent_id.as_ref(), Some(&root.span_id));
    assert_eq!(next.parent_id.as_ref(), Some(&call.span_id));
    assert_eq!(shape(call).status, Status::Unset);
    assert_eq!(shape(call).events, Vec::<String>::new());
    assert_eq!(shape(next).events, [ABANDONED]);
    for span in &trace.spans {
        assert_eq!(span.error_type(), None, "{trace}");
        assert_between(span, before, (inside, gone));
    }
    assert!(call.end <= root.end, "the call ends before who made it");
}

/// Starts a service with a response body whose parts the test sends.
async fn streaming() -> (Parts, Service) {
    let (parts, body) = parts();
    let body = Arc::new(Mutex::new(Some(body)));
    let take = move || async move { body.lock().unwrap().take().unwrap() };
    let router = Router::new().route("/streams", get(take));
    (parts, start(router.layer(TraceLayer::new())).await)
}

/// Requests the stream and receives the head and the first part. Returns the times before and after that.
async fn receive_first_part(
    parts: &Parts,
    connection: &mut Connection,
    caller: &Caller,
) -> (SystemTime, SystemTime) {
    let before = SystemTime::now();
    connection.request("GET /streams", caller).await;
    parts.send(Ok("first".into())).unwrap();
    assert_eq!(connection.head().await.status, 200);
    assert_eq!(connection.chunk().await, "first");
    (before, SystemTime::now())
}

#[tokio::test]
async fn disconnect_during_body_is_not_error() {
    let recorder = recorder();
    let (parts, service) = streaming().await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    let port = connection.port;
    let (before, inside) = receive_first_part(&parts, &mut connection, &caller).await;
    drop(connection);

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let expected = Shape {
        events: vec![ABANDONED.into()],
        ..server(
            &caller,
            ("GET", "/streams", "/streams"),
            port,
            Some(200),
            None,
        )
    };
    assert_eq!(shape(&trace.spans[0]), expected);
    assert_between(&trace.spans[0], before, (inside, inside));
    assert!(parts.is_closed(), "the body is gone with its reader");
}

#[tokio::test]
async fn failed_body_is_error_after_head() {
    let recorder = recorder();
    let (parts, service) = streaming().await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    let port = connection.port;
    let (before, inside) = receive_first_part(&parts, &mut connection, &caller).await;
    parts.send(Err(std::io::Error::other("disk full"))).unwrap();
    assert_eq!(connection.until_closed().await, b"");

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let request = ("GET", "/streams", "/streams");
    let expected = server(&caller, request, port, Some(200), Some("body"));
    assert_eq!(shape(&trace.spans[0]), expected);
    assert_between(&trace.spans[0], before, (inside, inside));
}

#[tokio::test]
async fn timeout_layer_answer_is_error() {
    let recorder = recorder();
    let limit = Duration::from_millis(20);
    let router = Router::new()
        .route("/slow", get(std::future::pending::<()>))
        .layer(from_fn_with_state(limit, problem::timeout))
        .layer(TraceLayer::new());
    let service = start(router).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /slow", &caller).await;
    let answer = connection.answer().await;
    assert_eq!(answer.status, 503);
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["code"], "timeout");
    assert_eq!(problem["trace_id"], caller.trace_id.as_str());

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let request = ("GET", "/slow", "/slow");
    let expected = server(
        &caller,
        request,
        connection.port,
        Some(503),
        Some("timeout"),
    );
    assert_eq!(shape(&trace.spans[0]), expected);
    assert!(trace.spans[0].duration() >= limit);
}

#[tokio::test]
async fn outer_timeout_is_recorded_as_abandoned() {
    let recorder = recorder();
    let router = Router::new()
        .route("/slow", get(std::future::pending::<()>))
        .layer(TraceLayer::new())
        .layer(from_fn_with_state(
            Duration::from_millis(20),
            problem::timeout,
        ));
    let service = start(router).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /slow", &caller).await;
    assert_eq!(connection.answer().await.status, 503);

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let expected = Shape {
        events: vec![ABANDONED.into()],
        ..server(
            &caller,
            ("GET", "/slow", "/slow"),
            connection.port,
            None,
            None,
        )
    };
    assert_eq!(shape(&trace.spans[0]), expected);
}
