//! Limits of a service: requests that it rejects, and clients that it does not wait for.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, Bytes},
    routing::{get, post},
};
use futures_util::stream;
use serde_json::{Value, json};
use shared::{problem, serve, serve::Limits, server::TraceLayer, testing::recorder};

use crate::support::{Caller, Connection, Gate, Service, server, shape, start_within};

/// A short time limit, for limits that a test lets expire.
pub(crate) const SOON: Duration = Duration::from_millis(50);

async fn takes_json(problem::Json(value): problem::Json<Value>) -> axum::Json<Value> {
    axum::Json(value)
}

/// Returns an endless body, which is larger than any socket buffer.
async fn endless() -> Body {
    let part = || {
        Some((
            Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 64 * 1024])),
            (),
        ))
    };
    Body::from_stream(stream::unfold((), move |()| std::future::ready(part())))
}

/// Starts a service whose handler for `/gate` waits at `gate`.
pub(crate) async fn service(limits: Limits, gate: &Gate) -> Service {
    let gate = gate.clone();
    let routes = Router::new()
        .route("/gate", get(async move || gate.pass().await))
        .route("/json", post(takes_json))
        .route("/endless", get(endless))
        .route("/quick", get("hello"))
        .fallback(problem::not_found);
    let app = serve::router(routes, &limits, TraceLayer::new(), async || Ok(()));
    start_within(limits, app).await
}

async fn status(service: &Service, line: &str) -> u16 {
    let mut connection = Connection::open(service).await;
    connection.request(line, &Caller::new()).await;
    connection.answer().await.status
}

#[track_caller]
pub(crate) fn assert_problem(
    answer: &crate::support::Answer,
    status: u16,
    code: &str,
    caller: &Caller,
) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["code"], code);
    assert_eq!(body["trace_id"], json!(caller.trace_id));
}

#[tokio::test]
async fn excess_request_is_shed_and_traced() {
    let recorder = recorder();
    let limits = Limits {
        requests: 1,
        ..Limits::default()
    };
    let gate = Gate::new();
    let service = service(limits, &gate).await;
    let mut first = Connection::open(&service).await;
    first.request("GET /gate", &Caller::new()).await;
    gate.entered().await;

    let (caller, mut second) = (Caller::new(), Connection::open(&service).await);
    second.request("GET /quick", &caller).await;
    let answer = second.answer().await;
    assert_problem(&answer, 503, "overloaded", &caller);
    assert_eq!(answer.headers["retry-after"], "1");
    let trace = recorder.trace(&caller.trace_id, 1).await;
    let request = ("GET", "/quick", "/quick");
    let expected = server(&caller, request, second.port, Some(503), Some("overloaded"));
    assert_eq!(shape(&trace.spans[0]), expected);
    assert_eq!(status(&service, "GET /nothing").await, 503);
    assert_eq!(status(&service, "GET /healthz").await, 200);
    assert_eq!(status(&service, "GET /readyz").await, 200);

    // A request no longer counts toward the limit when it has been answered, or when its client has disconnected.
    gate.open();
    assert_eq!(first.answer().await.status, 200);
    first.request("GET /gate", &Caller::new()).await;
    gate.entered().await;
    first.reset();
    crate::support::patience(async { while status(&service, "GET /quick").await != 200 {} }).await;
}

#[tokio::test]
async fn oversized_head_is_refused() {
    let service = service(Limits::default(), &Gate::new()).await;
    let mut connection = Connection::open(&service).await;
    let large = format!("X-Large: {}\r\n", "x".repeat(64 * 1024 - 200));
    connection
        .request_with("GET /quick", &Caller::new(), &large)
        .await;
    assert_eq!(connection.answer().await.status, 200);

    let large = format!("GET /quick HTTP/1.1\r\nX-Large: {}", "x".repeat(400 * 1024));
    // The service rejects the request without reading all of it, so the connection is reset. The reset may discard the
    // response.
    let _ = connection.try_send(large.as_bytes()).await;
    let answer = connection.until_closed().await;
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test]
async fn excess_connection_waits_for_free_slot() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let service = service(limits, &Gate::new()).await;
    let mut first = Connection::open(&service).await;
    first.request("GET /quick", &Caller::new()).await;
    first.answer().await;

    let mut second = Connection::open(&service).await;
    second.request("GET /quick", &Caller::new()).await;
    for _ in 0..100 {
        first.request("GET /quick", &Caller::new()).await;
        assert_eq!(first.answer().await.status, 200);
    }
    assert!(second.is_silent(), "it was taken");
    drop(first);
    assert_eq!(second.answer().await.status, 200);
}

#[tokio::test]
async fn stopping_service_is_unready_but_accepts() {
    let limits = Limits {
        shutdown_delay: Duration::from_mins(1),
        ..Limits::default()
    };
    let service = service(limits, &Gate::new()).await;
    let ready = async || {
        let mut connection = Connection::open(&service).await;
        connection.request("GET /readyz", &Caller::new()).await;
        connection.answer().await
    };
    let answer = ready().await;
    assert_eq!(answer.status, 200);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["ready"], true);
    assert_eq!(body["spans"]["waiting"], 0, "{body}");
    assert_eq!(answer.headers["content-type"], "application/json");

    service.tell_to_stop();
    let answer = ready().await;
    assert_eq!(answer.status, 503);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        (&body["ready"], &body["reason"]),
        (&false.into(), &"stopping".into())
    );
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(status(&service, "GET /healthz").await, 200);
    let mut open = Connection::open(&service).await;
    for _ in 0..2 {
        open.request("GET /quick", &Caller::new()).await;
        assert_eq!(open.answer().await.status, 200);
    }

    // All tasks are idle now, so the paused clock advances to the end of the shutdown delay.
    tokio::time::pause();
    service.shut_down().await;
    assert_eq!(open.until_closed().await, b"");
}
