//! The log line of an abandoned request.

use std::{convert::Infallible, future::pending};

use axum::body::Body;
use futures_util::{FutureExt as _, stream};
use http::{Request, Response};
use shared::server::TraceLayer;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tracing::subscriber;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::Messages;

#[tokio::test]
async fn abandoned_request_line_states_response_progress() {
    let messages = Messages::default();
    let subscriber = tracing_subscriber::registry().with(messages.clone());
    let _subscriber = subscriber::set_default(subscriber);
    let request = || Request::new(Body::empty());

    let silent = service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Infallible>>());
    let given_up = TraceLayer::new().layer(silent).oneshot(request());
    assert!(given_up.now_or_never().is_none());
    assert_eq!(messages.said(), ["request abandoned before the answer"]);

    let endless = service_fn(async |_: Request<Body>| {
        let body = Body::from_stream(stream::pending::<Result<&str, Infallible>>());
        Ok::<_, Infallible>(Response::new(body))
    });
    let answer = TraceLayer::new().layer(endless).oneshot(request()).await;
    assert_eq!(messages.said(), [""; 0], "its body may still come");
    drop(answer);
    assert_eq!(messages.said(), ["request abandoned within the answer"]);
}

#[tokio::test]
async fn request_dropped_by_foreign_panic_is_abandoned() {
    let messages = Messages::default();
    let subscriber = tracing_subscriber::registry().with(messages.clone());
    let _subscriber = subscriber::set_default(subscriber);
    let silent = service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Infallible>>());
    let endless = service_fn(async |_: Request<Body>| {
        let body = Body::from_stream(stream::pending::<Result<&str, Infallible>>());
        Ok::<_, Infallible>(Response::new(body))
    });
    let answer = TraceLayer::new()
        .layer(endless)
        .oneshot(Request::new(Body::empty()));
    let answer = answer.await;
    let unwind = std::panic::AssertUnwindSafe(|| {
        let mut waiting = TraceLayer::new()
            .layer(silent)
            .oneshot(Request::new(Body::empty()));
        assert!((&mut waiting).now_or_never().is_none());
        let _held = (waiting, answer);
        panic!("for another reason");
    });
    assert!(std::panic::catch_unwind(unwind).is_err());
    let mut said = messages.said();
    said.sort();
    assert_eq!(
        said,
        [
            "request abandoned before the answer",
            "request abandoned within the answer"
        ]
    );
}
