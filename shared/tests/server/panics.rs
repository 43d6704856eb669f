//! A handler that panics: what its client receives, what its span records, and that the process and the connection stay
//! usable.

use std::{convert::Infallible, panic::AssertUnwindSafe};

use axum::{Router, body::Body, routing::get};
use futures_util::FutureExt as _;
use http::{Request, Response, StatusCode};
use shared::{problem, server::TraceLayer, testing::recorder};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

use crate::support::{Caller, Connection, Shape, error, server, shape, start};

async fn panics() {
    panic!("three items, four shelves");
}

#[tokio::test]
async fn panic_is_500_and_connection_survives() {
    let recorder = recorder();
    let router = Router::new()
        .route("/panics", get(panics))
        .route("/works", get(StatusCode::OK));
    let service = start(
        router
            .layer(problem::catch_panic())
            .layer(TraceLayer::new()),
    )
    .await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /panics", &caller).await;
    let answer = connection.answer().await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["code"], "internal_error");
    assert_eq!(problem["trace_id"], caller.trace_id.as_str());
    assert!(!answer.body.contains("shelves"), "{}", answer.body);

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let request = ("GET", "/panics", "/panics");
    let expected = Shape {
        events: vec!["exception".into()],
        ..server(&caller, request, connection.port, Some(500), Some("panic"))
    };
    assert_eq!(shape(&trace.spans[0]), expected);
    let exception = &trace.spans[0].events[0].attributes;
    let keys: Vec<&str> = exception.keys().map(String::as_str).collect();
    let expected = [
        "exception.message",
        "exception.stacktrace",
        "exception.type",
    ];
    assert_eq!(keys, expected);
    let text = |key: &str| exception[key].to_string();
    assert_eq!(text("exception.message"), "three items, four shelves");
    let stack = text("exception.stacktrace");
    assert!(stack.contains("server/panics.rs:"), "no place: {stack}");
    assert!(
        stack.contains("server::panics::panics"),
        "no stack: {stack}"
    );

    let caller = Caller::new();
    connection.request("GET /works", &caller).await;
    assert_eq!(connection.answer().await.status, 200);
    let trace = recorder.trace(&caller.trace_id, 1).await;
    let request = ("GET", "/works", "/works");
    let expected = server(&caller, request, connection.port, Some(200), None);
    assert_eq!(shape(&trace.spans[0]), expected);
}

#[tokio::test]
async fn uncaught_panic_fails_span() {
    let recorder = recorder();
    let router = Router::new().route("/panics", get(panics));
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    let port = connection.port;
    connection.request("GET /panics", &caller).await;
    assert_eq!(connection.until_closed().await, b"");

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let expected = Shape {
        events: vec!["exception".into()],
        ..server(
            &caller,
            ("GET", "/panics", "/panics"),
            port,
            None,
            Some("panic"),
        )
    };
    assert_eq!(shape(&trace.spans[0]), expected);
}

#[tokio::test]
async fn panic_caught_outside_layer_fails_span() {
    let recorder = recorder();
    let panics =
        |_: Request<Body>| async { panic!("too late") as Result<Response<Body>, Infallible> };
    let service = ServiceBuilder::new()
        .layer(TraceLayer::new())
        .service(service_fn(panics));
    let caller = Caller::new();
    let request = Request::get("/").header("traceparent", caller.traceparent());
    let mut response = Box::pin(service.oneshot(request.body(Body::empty()).unwrap()));
    let caught = AssertUnwindSafe(&mut response).catch_unwind().await;
    assert!(caught.is_err());
    drop(response);

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let span = shape(&trace.spans[0]);
    assert_eq!(span.events, ["exception"]);
    assert_eq!(trace.spans[0].error_type().as_deref(), Some("panic"));
    assert_eq!(span.status, error());
}
