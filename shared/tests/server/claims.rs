//! Misleading input that spans must not trust: an unknown scheme, a wrong `Content-Length`, and a panic that the
//! handler has caught.

use axum::{
    Router,
    body::Body,
    http::StatusCode,
    response::IntoResponse as _,
    routing::{any, get},
};
use futures_util::FutureExt as _;
use opentelemetry::trace::Status;
use shared::{server::TraceLayer, testing::recorder};

use crate::support::{Caller, Connection, start};

#[tokio::test]
async fn unknown_scheme_is_not_recorded() {
    recorder();
    let router = Router::new().route("/", get(StatusCode::OK));
    let service = start(router.layer(TraceLayer::new())).await;
    for (line, scheme) in [
        ("GET zz9://shop.example/", "http"),
        ("GET http://shop.example/", "http"),
        ("GET HTTPS://shop.example/", "https"),
    ] {
        let caller = Caller::new();
        let mut connection = Connection::open(&service).await;
        connection.request(line, &caller).await;
        connection.answer().await;
        let trace = recorder().trace(&caller.trace_id, 1).await;
        let recorded = trace.spans[0].attribute("url.scheme");
        assert_eq!(recorded.as_deref(), Some(scheme), "{line}");
    }
}

#[tokio::test]
async fn body_shorter_than_content_length_is_error() {
    recorder();
    let shrunk = async || {
        let parts = futures_util::stream::iter([Ok::<_, std::io::Error>("five!")]);
        ([("content-length", "10")], Body::from_stream(parts)).into_response()
    };
    let router = Router::new().route("/", get(shrunk));
    let service = start(router.layer(TraceLayer::new())).await;
    let caller = Caller::new();
    let mut connection = Connection::open(&service).await;
    connection.request("GET /", &caller).await;
    let trace = recorder().trace(&caller.trace_id, 1).await;
    let span = &trace.spans[0];
    assert_eq!(span.error_type().as_deref(), Some("body"), "{span:?}");
    assert!(matches!(span.status, Status::Error { .. }), "{span:?}");
}

#[tokio::test]
async fn caught_panic_does_not_fail_request() {
    recorder();
    let careful = async || {
        let caught = async { panic!("caught") }.catch_unwind().await;
        let caught: Result<(), _> = caught;
        assert!(caught.is_err());
    };
    let router = Router::new().route("/", any(careful));
    let service = start(router.layer(TraceLayer::new())).await;
    let caller = Caller::new();
    let mut connection = Connection::open(&service).await;
    connection.request("GET /", &caller).await;
    assert_eq!(connection.answer().await.status, 200);
    let trace = recorder().trace(&caller.trace_id, 1).await;
    let span = &trace.spans[0];
    assert_eq!(span.status, Status::Unset);
    assert_eq!(span.error_type(), None);
    assert_eq!(span.events[0].name, "exception", "it is told all the same");
}
