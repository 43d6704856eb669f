//! Two layers on one request, as in a nested router with its own layer, create one span.

use axum::{Router, body::Body, routing::get};
use http::{Request, StatusCode};
use opentelemetry::trace::FutureExt as _;
use shared::{server::TraceLayer, testing::recorder};
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Caller, Connection, served, server, shape, start};

#[tracing::instrument]
async fn look_up() -> String {
    shared::span::trace_id().unwrap_or_default()
}

fn nested() -> Router {
    let items = Router::new()
        .route("/{id}", get(look_up))
        .layer(TraceLayer::new());
    Router::new().nest("/items", items).layer(TraceLayer::new())
}

#[tokio::test]
async fn inner_of_two_layers_is_inactive() {
    recorder();
    let service = start(nested()).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /items/1", &caller).await;
    let answer = connection.answer().await;
    assert_eq!(answer.body, caller.trace_id);

    let trace = recorder().trace(&caller.trace_id, 2).await;
    let tree = format!(
        "orphan of {}:\n  SERVER GET /items/{{id}}\n    INTERNAL look_up\n",
        caller.span_id
    );
    assert_eq!(trace.tree(), tree);
    let request = ("GET", "/items/1", "/items/{id}");
    let expected = server(&caller, request, connection.port, Some(200), None);
    let span = trace.span("GET /items/{id}");
    assert_eq!(shape(span), expected);
    let named = format!("00-{}-{}-01", caller.trace_id, span.span_id);
    assert_eq!(answer.headers["traceresponse"], named);
}

#[tokio::test]
async fn nested_layers_without_caller_share_trace() {
    recorder();
    let service = start(nested()).await;
    let mut connection = Connection::open(&service).await;
    connection
        .send(b"GET /items/1 HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        .await;
    let answer = connection.answer().await;
    assert_eq!(answer.headers["traceresponse"][3..35], answer.body);
    let trace = recorder().trace(&answer.body, 2).await;
    assert_eq!(trace.tree(), "SERVER GET /items/{id}\n  INTERNAL look_up\n");
}

#[tokio::test]
async fn inner_layer_traces_request_filtered_by_outer() {
    let traced = Router::new()
        .route("/items/{id}", get("one"))
        .layer(TraceLayer::new());
    let service = start(traced.layer(TraceLayer::new().filter(|_| false))).await;
    let (_, caller, span, port) = served(&service, "GET /items/1").await;
    let request = ("GET", "/items/1", "/items/{id}");
    let expected = server(&caller, request, port, Some(200), None);
    assert_eq!(shape(&span), expected);
}

#[tokio::test]
async fn inner_layer_in_other_task_continues_trace() {
    recorder();
    // The inner service is called without the current trace, as if a buffer between the two layers called it in another
    // task.
    let inner = TraceLayer::new().layer(tower::service_fn(async |_: Request<Body>| {
        Ok::<_, std::convert::Infallible>(http::Response::new(Body::from(look_up().await)))
    }));
    let between = tower::service_fn(move |request: Request<Body>| {
        inner
            .clone()
            .oneshot(request)
            .with_context(opentelemetry::Context::default())
    });
    let service = TraceLayer::new().layer(between);
    let request = Request::new(Body::empty());
    let answer = service
        .oneshot(request)
        .await
        .unwrap_or_else(|error| match error {});
    assert_eq!(answer.status(), StatusCode::OK);
    let named = answer.headers()["traceresponse"]
        .to_str()
        .map(str::to_owned);
    let body = axum::body::to_bytes(Body::new(answer.into_body()), 64).await;
    assert_eq!(
        body.ok().as_deref(),
        named
            .ok()
            .map(|named| named[3..35].to_owned().into_bytes())
            .as_deref()
    );
}
