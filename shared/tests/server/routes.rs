//! Span names and routes of routers, and of unknown paths and methods.

use axum::{Extension, Router, routing::get};
use futures_util::future::join_all;
use shared::{
    problem,
    server::{Route, TraceLayer},
    testing::recorder,
};

use crate::support::{Caller, Connection, Service, served, server, shape, start};

/// Sends a GET. Asserts the status of the response and the server span, which has no error.
async fn assert_get(service: &Service, path: &str, route: Option<&str>, status: u16) {
    let (answered, caller, span, port) = served(service, &format!("GET {path}")).await;
    assert_eq!(answered, status, "GET {path}");
    let request = ("GET", path, route.unwrap_or_default());
    let mut expected = server(&caller, request, port, Some(status.into()), None);
    if route.is_none() {
        expected.name = "GET".into();
        expected.attributes.remove("http.route");
    }
    assert_eq!(shape(&span), expected);
}

#[tokio::test]
async fn nested_routers_record_whole_route() {
    let items = Router::new()
        .route("/", get("all"))
        .route("/{item_id}", get("one"))
        .route("/{item_id}/files/{*path}", get("file"));
    let nested = Router::new().nest("/shops/{shop}", Router::new().nest("/items", items));
    let merged = Router::new().route("/merged/{id}", get("merged"));
    let service = Router::new().nest_service("/files", get("a service of its own"));
    let router = Router::new()
        .route("/", get("root"))
        .merge(nested)
        .merge(merged)
        .merge(service)
        .fallback(problem::not_found)
        .layer(TraceLayer::new());
    let service = start(router).await;
    for (path, route) in [
        ("/", "/"),
        ("/shops/1/items", "/shops/{shop}/items"),
        ("/shops/1/items/item-123", "/shops/{shop}/items/{item_id}"),
        (
            "/shops/1/items/2/files/a/b",
            "/shops/{shop}/items/{item_id}/files/{*path}",
        ),
        ("/merged/7", "/merged/{id}"),
    ] {
        assert_get(&service, path, Some(route), 200).await;
    }
    for path in [
        "/nothing",
        "/shops/1",
        "/shops/1/items/2/files",
        "/merged/7/8",
    ] {
        assert_get(&service, path, None, 404).await;
    }
    // The router does not know the routes of a nested service.
    assert_get(&service, "/files/a", None, 200).await;
}

#[tokio::test]
async fn layer_inside_nested_router_records_whole_route() {
    let inner = Router::new()
        .route("/{id}", get("one"))
        .layer(TraceLayer::new());
    let service = start(Router::new().nest("/inner", inner)).await;
    assert_get(&service, "/inner/1", Some("/inner/{id}"), 200).await;
}

#[tokio::test]
async fn explicit_route_overrides_matched_route() {
    let told = Route("/shops/{shop}/{item}".into());
    let router = Router::new()
        .route("/{*path}", get("a gateway"))
        .layer(TraceLayer::new())
        .layer(Extension(told));
    let service = start(router).await;
    assert_get(&service, "/shops/1/2", Some("/shops/{shop}/{item}"), 200).await;
}

#[tokio::test]
async fn route_layer_traces_only_matched_requests() {
    let recorder = recorder();
    let router = Router::new()
        .route("/items/{id}", get("one"))
        .route_layer(TraceLayer::new());
    let service = start(router).await;
    assert_get(&service, "/items/1", Some("/items/{id}"), 200).await;

    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /nothing", &caller).await;
    assert_eq!(connection.answer().await.status, 404);
    assert_eq!(recorder.now(&caller.trace_id).spans, []);
}

#[tokio::test]
async fn routes_merged_after_layer_are_untraced() {
    let recorder = recorder();
    let traced = Router::new()
        .route("/traced", get(()))
        .layer(TraceLayer::new());
    let service = start(traced.merge(Router::new().route("/plain", get(())))).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /plain", &caller).await;
    let answer = connection.answer().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers.get("traceresponse"), None);
    assert_eq!(recorder.now(&caller.trace_id).spans, []);
    assert_get(&service, "/traced", Some("/traced"), 200).await;
}

#[tokio::test]
async fn method_not_allowed_keeps_route() {
    let router = Router::new()
        .route("/items/{id}", get("one"))
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(TraceLayer::new());
    let service = start(router).await;
    let (status, caller, span, port) = served(&service, "DELETE /items/1").await;
    assert_eq!(status, 405);
    let request = ("DELETE", "/items/1", "/items/{id}");
    assert_eq!(
        shape(&span),
        server(&caller, request, port, Some(405), None)
    );
}

#[tokio::test]
async fn request_without_caller_is_root() {
    let recorder = recorder();
    let service = start(Router::new().route("/", get(())).layer(TraceLayer::new())).await;
    let mut connection = Connection::open(&service).await;
    connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let answer = connection.answer().await;
    let traceresponse = &answer.headers["traceresponse"];
    let trace = recorder.trace(&traceresponse[3..35], 1).await;
    assert_eq!(trace.spans[0].parent_id, None);
    assert_eq!(trace.spans[0].span_id, traceresponse[36..52]);
    assert_eq!(
        trace.spans[0].attribute("server.address").as_deref(),
        Some("a")
    );
    assert_eq!(trace.spans[0].attribute("server.port"), None);
}

#[tokio::test]
async fn concurrent_requests_through_one_layer_do_not_mix() {
    let recorder = recorder();
    let handler = async || {
        tokio::task::yield_now().await;
        shared::span::trace_id().unwrap()
    };
    let router = Router::new().route("/{number}", get(handler));
    let service = start(router.layer(TraceLayer::new())).await;
    let service = &service;
    join_all((0..100).map(async |number: u32| {
        let (caller, mut connection) = (Caller::new(), Connection::open(service).await);
        let path = format!("/{number}");
        connection.request(&format!("GET {path}"), &caller).await;
        assert_eq!(connection.answer().await.body, caller.trace_id);
        let trace = recorder.trace(&caller.trace_id, 1).await;
        let request = ("GET", path.as_str(), "/{number}");
        let expected = server(&caller, request, connection.port, Some(200), None);
        assert_eq!(trace.spans.len(), 1);
        assert_eq!(shape(&trace.spans[0]), expected);
    }))
    .await;
}
