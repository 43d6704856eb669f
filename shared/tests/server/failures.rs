//! Failures of handlers, tasks and services, and the `error.type` of their span.

use axum::{Router, body::Body, routing::get};
use http::{Request, Response, StatusCode};
use opentelemetry::trace::Status;
use shared::{server::TraceLayer, span, testing::recorder};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

use crate::support::{Caller, Connection, Shape, server, shape, start};

#[tokio::test]
async fn named_failure_is_error_type() {
    let recorder = recorder();
    let named = || async {
        span::fail("stock_is_negative", "minus one left");
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let router = Router::new().route("/named", get(named));
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /named", &caller).await;
    connection.answer().await;

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let request = ("GET", "/named", "/named");
    let error_type = Some("stock_is_negative");
    let expected = Shape {
        status: Status::error("minus one left"),
        ..server(&caller, request, connection.port, Some(500), error_type)
    };
    assert_eq!(shape(&trace.spans[0]), expected);
}

/// A step of a handler that fails, with a span of its own.
#[tracing::instrument]
async fn take_stock() {
    span::fail("stock_is_negative", "minus one left");
}

#[tokio::test]
async fn failure_in_child_span_is_error_type() {
    let recorder = recorder();
    let below = || async {
        take_stock().await;
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let router = Router::new().route("/below", get(below));
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /below", &caller).await;
    connection.answer().await;

    let trace = recorder.trace(&caller.trace_id, 2).await;
    let error_type = Some("stock_is_negative");
    let request = ("GET", "/below", "/below");
    let expected = Shape {
        status: Status::error("minus one left"),
        ..server(&caller, request, connection.port, Some(500), error_type)
    };
    assert_eq!(shape(trace.span("GET /below")), expected);
    let step = shape(trace.span("take_stock"));
    assert_eq!(step.status, Status::error("minus one left"));
    assert_eq!(
        step.attributes.get("error.type"),
        Some(&"stock_is_negative".into())
    );
}

#[tokio::test]
async fn failure_with_successful_answer_is_ignored() {
    let recorder = recorder();
    let mended = || async {
        span::fail("cache_is_cold", "asking the database");
        StatusCode::OK
    };
    let refused = || async {
        take_stock().await;
        StatusCode::CONFLICT
    };
    let router = Router::new()
        .route("/mended", get(mended))
        .route("/refused", get(refused));
    let service = start(router.layer(TraceLayer::new())).await;
    for (path, status) in [("/mended", 200), ("/refused", 409)] {
        let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
        connection.request(&format!("GET {path}"), &caller).await;
        connection.answer().await;
        let name = format!("GET {path}");
        let span = recorder.span(&caller.trace_id, &name).await;
        let request = ("GET", path, path);
        let expected = server(&caller, request, connection.port, Some(status), None);
        assert_eq!(shape(&span), expected);
    }
}

#[tokio::test]
async fn last_of_two_failures_is_recorded() {
    let recorder = recorder();
    let twice = || async {
        span::fail("cache", "z: later in the alphabet");
        span::fail("database", "a: what really failed");
        StatusCode::BAD_GATEWAY
    };
    let router = Router::new().route("/twice", get(twice));
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /twice", &caller).await;
    connection.answer().await;

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let request = ("GET", "/twice", "/twice");
    let expected = Shape {
        status: Status::error("a: what really failed"),
        ..server(
            &caller,
            request,
            connection.port,
            Some(502),
            Some("database"),
        )
    };
    assert_eq!(shape(&trace.spans[0]), expected);
}

#[tokio::test]
async fn task_failure_does_not_fail_request() {
    let recorder = recorder();
    let spawns = || async {
        shared::task::spawn(take_stock()).await.unwrap();
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let router = Router::new().route("/spawns", get(spawns));
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /spawns", &caller).await;
    connection.answer().await;

    let span = recorder.span(&caller.trace_id, "GET /spawns").await;
    let request = ("GET", "/spawns", "/spawns");
    let expected = server(&caller, request, connection.port, Some(500), Some("500"));
    assert_eq!(shape(&span), expected);
}

#[tokio::test]
async fn service_error_fails_span_and_passes_unchanged() {
    let recorder = recorder();
    let fails = |_: Request<Body>| async { Err::<Response<Body>, _>(std::fmt::Error) };
    let service = ServiceBuilder::new()
        .layer(TraceLayer::new())
        .service(service_fn(fails));
    let caller = Caller::new();
    let request = Request::get("/").header("traceparent", caller.traceparent());
    let result = service.oneshot(request.body(Body::empty()).unwrap()).await;
    assert_eq!(result.unwrap_err(), std::fmt::Error);

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let expected = Shape {
        name: "GET".into(),
        parent: Some(caller.span_id.clone()),
        attributes: crate::support::attributes([
            ("http.request.method", "GET".into()),
            ("url.path", "/".into()),
            ("url.scheme", "http".into()),
            ("network.protocol.version", "1.1".into()),
            ("error.type", "service".into()),
        ]),
        ..server(&caller, ("GET", "/", "/"), 0, None, Some("service"))
    };
    assert_eq!(shape(&trace.spans[0]), expected);
}
