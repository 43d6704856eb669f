//! Request bodies that arrive late, are too large, or have a content encoding.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::DefaultBodyLimit,
    http::StatusCode,
    routing::post,
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use shared::{problem, serve::Limits, server::TraceLayer, testing::recorder};

use crate::support::{Answer, Caller, Connection, Service, patience, start_within};

const LIMIT: usize = 1000;

async fn streams(body: Body) -> StatusCode {
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        if part.is_err() {
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
    }
    StatusCode::OK
}

/// Handler that drops the request body, and responds before the body has arrived.
async fn ignores(body: Body) -> StatusCode {
    drop(body);
    StatusCode::IM_A_TEAPOT
}

async fn service(body_timeout: Duration) -> Service {
    recorder();
    let limits = Limits {
        request_body_timeout: body_timeout,
        ..Limits::default()
    };
    let routes = Router::new()
        .route(
            "/axum-json",
            post(async |axum::Json(value): axum::Json<Value>| axum::Json(value)),
        )
        .route("/bytes", post(async |body: Bytes| body))
        .route("/string", post(async |body: String| body))
        .route("/streams", post(streams))
        .route("/ignores", post(ignores))
        .route(
            "/json",
            post(async |problem::Json(value): problem::Json<Value>| axum::Json(value)),
        )
        .layer(DefaultBodyLimit::max(LIMIT));
    let app = limits.apply(routes).layer(TraceLayer::new());
    start_within(limits, app).await
}

#[track_caller]
fn assert_problem(answer: &Answer, status: u16, code: &str, caller: &Caller) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["code"], code);
    assert_eq!(body["trace_id"], json!(caller.trace_id));
}

#[tokio::test]
async fn slow_body_is_request_timeout_for_every_extractor() {
    let service = service(Duration::from_millis(50)).await;
    for (path, media_type) in [
        ("/axum-json", "application/json"),
        ("/json", "application/json"),
        ("/bytes", "text/plain"),
        ("/string", "text/plain"),
        ("/streams", "text/plain"),
    ] {
        for framing in ["Content-Length: 9", "Transfer-Encoding: chunked"] {
            let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
            let head = format!("Content-Type: {media_type}\r\n{framing}\r\n\r\n1\r\n");
            connection
                .request_with(&format!("POST {path}"), &caller, &head)
                .await;
            let answer = connection.answer().await;
            assert_problem(&answer, 408, "request_timeout", &caller);
            assert_eq!(connection.until_closed().await, b"", "{path}");
        }
    }
}

#[tokio::test]
async fn answer_that_ignores_slow_body_is_kept() {
    let service = service(Duration::from_millis(1)).await;
    let mut connection = Connection::open(&service).await;
    let head = "Content-Length: 9\r\n\r\n1";
    connection
        .request_with("POST /ignores", &Caller::new(), head)
        .await;
    assert_eq!(connection.answer().await.status, 418);
}

#[tokio::test]
async fn expected_body_over_the_limit_is_refused_unsent() {
    let service = service(Duration::from_secs(30)).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    let head = |length| {
        format!(
            "Content-Type: application/json\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
        )
    };
    connection
        .request_with("POST /json", &caller, &head(LIMIT + 1))
        .await;
    assert_problem(
        &connection.answer().await,
        413,
        "payload_too_large",
        &caller,
    );
    assert_eq!(connection.until_closed().await, b"");

    let mut connection = Connection::open(&service).await;
    connection
        .request_with("POST /json", &Caller::new(), &head(LIMIT))
        .await;
    assert_eq!(connection.head().await.status, 100);
    let body = format!("{:1$}", "[]", LIMIT);
    connection.send(body.as_bytes()).await;
    let answer = connection.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "[]"));
}

#[tokio::test]
async fn body_over_the_limit_is_refused_before_it_arrives() {
    let service = service(Duration::from_secs(30)).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    let head = "Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n[";
    connection.request_with("POST /json", &caller, head).await;
    assert_problem(
        &connection.answer().await,
        413,
        "payload_too_large",
        &caller,
    );
}

#[tokio::test]
async fn chunked_body_over_the_limit_is_refused() {
    let service = service(Duration::from_secs(30)).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    let head = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("800\r\n{:1$}\r\n", "[]", 0x800);
    connection
        .request_with("POST /json", &caller, &format!("{head}{chunk}"))
        .await;
    assert_problem(
        &connection.answer().await,
        413,
        "payload_too_large",
        &caller,
    );
}

#[tokio::test]
async fn encoded_body_is_unsupported_and_the_answer_says_why() {
    let service = service(Duration::from_secs(30)).await;
    for coding in ["gzip", "identity, GZIP", "br"] {
        let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
        let head = format!(
            "Content-Type: application/json\r\nContent-Encoding: {coding}\r\nContent-Length: 2\r\n\r\n[]"
        );
        connection.request_with("POST /json", &caller, &head).await;
        let answer = connection.answer().await;
        assert_problem(&answer, 415, "unsupported_media_type", &caller);
        assert_eq!(answer.headers["accept-encoding"], "identity");
    }
    let mut connection = Connection::open(&service).await;
    let head = "Content-Type: application/json\r\nContent-Encoding: Identity\r\nContent-Length: 2\r\n\r\n[]";
    connection
        .request_with("POST /json", &Caller::new(), head)
        .await;
    assert_eq!(patience(connection.answer()).await.status, 200);
}
