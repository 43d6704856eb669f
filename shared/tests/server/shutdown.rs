//! Requests during the shutdown of their service.

use std::time::Instant;

use axum::{Router, body::Body, routing::get};
use shared::{server::TraceLayer, testing::recorder};
use tokio::net::TcpStream;

use crate::support::{Caller, Connection, Gate, Shape, parts, server, shape, start};

#[tokio::test]
async fn request_ending_during_drain_is_unaffected() {
    let recorder = recorder();
    let gate = Gate::new();
    let handler = {
        let gate = gate.clone();
        async move || gate.pass().await
    };
    let router = Router::new().route("/slow", get(handler));
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /slow", &caller).await;
    gate.entered().await;
    let address = service.address;
    let stopped = shared::task::spawn(service.shut_down());
    while TcpStream::connect(address).await.is_ok() {}
    gate.open();
    let answer = connection.answer().await;
    stopped.await.unwrap();

    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["connection"], "close");
    let trace = recorder.trace(&caller.trace_id, 1).await;
    let request = ("GET", "/slow", "/slow");
    let expected = server(&caller, request, connection.port, Some(200), None);
    assert_eq!(shape(&trace.spans[0]), expected);
}

#[tokio::test]
async fn drain_ignores_disconnected_caller() {
    let recorder = recorder();
    let gate = Gate::new();
    let stuck = {
        let gate = gate.clone();
        async move || gate.pass().await
    };
    let router = Router::new().route("/stuck", get(stuck));
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    let port = connection.port;
    connection.request("GET /stuck", &caller).await;
    gate.entered().await;
    let address = service.address;
    let stopped = shared::task::spawn(service.shut_down());
    while TcpStream::connect(address).await.is_ok() {}
    drop(connection);
    let before = Instant::now();
    stopped.await.unwrap();
    assert!(before.elapsed() < shared::serve::DRAIN_TIMEOUT);

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let expected = Shape {
        events: vec!["request.abandoned".into()],
        ..server(&caller, ("GET", "/stuck", "/stuck"), port, None, None)
    };
    assert_eq!(shape(&trace.spans[0]), expected);
}

#[tokio::test]
async fn request_cut_off_after_drain_is_error() {
    let recorder = recorder();
    let gate = Gate::new();
    let stuck = {
        let gate = gate.clone();
        async move || gate.pass().await
    };
    let (parts, body) = parts();
    let body = std::sync::Arc::new(std::sync::Mutex::new(Some(body)));
    let streams = async move || -> Body { body.lock().unwrap().take().unwrap() };
    let router = Router::new()
        .route("/stuck", get(stuck))
        .route("/streams", get(streams));
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("GET /stuck", &caller).await;
    let (reader, mut reads) = (Caller::new(), Connection::open(&service).await);
    reads.request("GET /streams", &reader).await;
    parts.send(Ok("first".into())).unwrap();
    gate.entered().await;
    reads.head().await;
    assert_eq!(reads.chunk().await, "first");

    // All tasks are idle now, so the paused clock advances from one deadline to the next.
    tokio::time::pause();
    service.shut_down().await;
    tokio::time::resume();

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let request = ("GET", "/stuck", "/stuck");
    let expected = server(&caller, request, connection.port, None, Some("shutdown"));
    assert_eq!(shape(&trace.spans[0]), expected);
    let trace = recorder.trace(&reader.trace_id, 1).await;
    let request = ("GET", "/streams", "/streams");
    let expected = server(&reader, request, reads.port, Some(200), Some("shutdown"));
    assert_eq!(shape(&trace.spans[0]), expected);
}
