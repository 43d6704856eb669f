//! `examples/hyper.rs`: a service without axum.

use std::net::SocketAddr;

use shared::{
    client::TraceMiddleware,
    task::{self, Task},
    testing::{Trace, recorder},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    hyper,
    support::{attributes, bare_client, patience, shape},
};

async fn start() -> (SocketAddr, CancellationToken, Task<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stopping = CancellationToken::new();
    let running = task::spawn(hyper::serve(listener, stopping.clone()));
    (address, stopping, running)
}

async fn call(path: &str) -> (SocketAddr, u16, Trace) {
    let (address, stopping, running) = start().await;
    let client = reqwest_middleware::ClientBuilder::new(bare_client())
        .with(TraceMiddleware::new())
        .build();
    let request = client.get(format!("http://{address}{path}"));
    let (trace_id, answer) = recorder().in_trace("caller", request.send()).await;
    let status = answer.unwrap().status().as_u16();
    let trace = recorder().trace(&trace_id, 3).await;
    stopping.cancel();
    patience(running).await.unwrap().unwrap();
    (address, status, trace)
}

#[tokio::test]
async fn bare_hyper_service_joins_callers_trace() {
    let (address, status, trace) = call("/items/7").await;
    assert_eq!(status, 200);
    trace.assert_joined();
    let tree = "INTERNAL caller\n  CLIENT GET\n    SERVER GET /items/{id}\n";
    assert_eq!(trace.tree(), tree);
    let span = trace.span("GET /items/{id}");
    let port = span.attributes["network.peer.port"].clone();
    assert_ne!(
        port,
        i64::from(address.port()).into(),
        "the peer is the client"
    );
    let expected = attributes([
        ("http.request.method", "GET".into()),
        ("url.path", "/items/7".into()),
        ("url.scheme", "http".into()),
        ("http.route", "/items/{id}".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(address.port()).into()),
        ("client.address", "127.0.0.1".into()),
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", port),
        ("network.protocol.version", "1.1".into()),
        ("http.response.status_code", 200.into()),
    ]);
    assert_eq!(shape(span).attributes, expected);
}

#[tokio::test]
async fn unmatched_path_is_not_in_span_name() {
    let (_, status, trace) = call("/items/7/picture").await;
    assert_eq!(status, 404);
    let tree = "INTERNAL caller\n  CLIENT GET [error: 404]\n    SERVER GET\n";
    assert_eq!(trace.tree(), tree);
}
