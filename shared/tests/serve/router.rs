//! The layers that `serve::router` adds, and their order.

use std::{future::pending, time::Duration};

use axum::{Router, routing::get};
use serde_json::Value;
use shared::{
    serve::{self, Limits},
    server::TraceLayer,
    testing::recorder,
};

use crate::support::{Answer, Caller, Connection, Service, start_within};

const NOT_READY: &str = "no database";

async fn panics() {
    panic!("out of paper");
}

async fn service() -> Service {
    let limits = Limits {
        request_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let routes = Router::new()
        .route("/", get("hello"))
        .route("/stuck", get(pending::<()>))
        .route("/panics", get(panics));
    let ready = async || Err(NOT_READY);
    start_within(
        limits,
        serve::router(routes, &limits, TraceLayer::new(), ready),
    )
    .await
}

async fn ask(service: &Service, path: &str, caller: &Caller) -> Answer {
    let mut connection = Connection::open(service).await;
    connection.request(&format!("GET {path}"), caller).await;
    connection.answer().await
}

#[tokio::test]
async fn every_request_has_span_and_problem() {
    let recorder = recorder();
    let service = service().await;
    for (path, status, error_type) in [
        ("/", 200, None),
        ("/stuck", 503, Some("timeout")),
        ("/panics", 500, Some("panic")),
        ("/nothing", 404, None),
    ] {
        let caller = Caller::new();
        let answer = ask(&service, path, &caller).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        let trace = recorder.trace(&caller.trace_id, 1).await;
        let span = &trace.spans[0];
        assert_eq!(span.error_type().as_deref(), error_type, "{path}");
        let named = &answer.headers["traceresponse"];
        assert_eq!(&named[36..52], span.span_id, "{path}");
        if error_type.is_some() {
            let problem: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(problem["trace_id"], caller.trace_id, "{path}");
        }
    }
}

#[tokio::test]
async fn health_endpoints_answer_without_span() {
    recorder();
    let service = service().await;
    let alive = ask(&service, "/healthz", &Caller::new()).await;
    let ready = ask(&service, "/readyz", &Caller::new()).await;
    assert_eq!((alive.status, ready.status), (200, 503));
    assert!(ready.body.contains(NOT_READY), "{}", ready.body);
    for answer in [alive, ready] {
        assert_eq!(answer.headers.get("traceresponse"), None);
    }
}
