//! The access log: custom or disabled.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, extract::Path, routing::get};
use futures_util::FutureExt as _;
use http::{Request, Response, StatusCode};
use shared::{
    server::{RequestEnd, TraceLayer},
    span,
    testing::recorder,
};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tracing::subscriber;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::Messages;

const PARENT: &str = "00f067aa0ba902b7";

/// The calls of a custom access log, each as text and with its trace id.
type Told = Arc<Mutex<Vec<(String, Option<String>)>>>;

fn tells() -> (Told, TraceLayer) {
    let told = Told::default();
    let tell = Arc::clone(&told);
    let layer = TraceLayer::new().access_log_with(move |end: &RequestEnd<'_>| {
        assert!(!end.duration.is_zero());
        let status = end.status.map(|status| status.as_u16());
        let said = format!(
            "{} {:?} {status:?} {:?} {:?}",
            end.method, end.route, end.error_type, end.outcome
        );
        tell.lock().unwrap().push((said, span::trace_id()));
    });
    (told, layer)
}

fn request(path: &str, trace_id: &str) -> Request<Body> {
    let traceparent = format!("00-{trace_id}-{PARENT}-01");
    let request = Request::get(path).header("traceparent", traceparent);
    request.body(Body::empty()).unwrap()
}

async fn status(Path(code): Path<u16>) -> StatusCode {
    StatusCode::from_u16(code).unwrap()
}

async fn panics(_: Request<Body>) -> Result<Response<Body>, Infallible> {
    panic!("as it must")
}

#[tokio::test]
async fn custom_access_log_gets_each_outcome() {
    recorder();
    let (told, layer) = tells();
    let router = Router::new().route("/status/{code}", get(status));
    let router = router.layer(layer.clone());
    let mut expected = Vec::new();
    let mut expect = |number: u8, said: &str| {
        let trace_id = format!("{number:032x}");
        expected.push((said.to_owned(), Some(trace_id.clone())));
        trace_id
    };

    let id = expect(1, "GET Some(\"/status/{code}\") Some(204) None Served");
    let answer = router.clone().oneshot(request("/status/204", &id)).await;
    assert_eq!(answer.unwrap().status(), 204);

    let id = expect(
        2,
        "GET Some(\"/status/{code}\") Some(503) Some(\"503\") Failed",
    );
    let answer = router.clone().oneshot(request("/status/503", &id)).await;
    assert_eq!(answer.unwrap().status(), 503);

    let id = expect(3, "GET None Some(404) None Served");
    drop(router.oneshot(request("/nothing", &id)).await.unwrap());

    let id = expect(4, "GET None None None Abandoned");
    let never =
        service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>());
    let response = layer.layer(never).oneshot(request("/", &id));
    assert!(response.now_or_never().is_none());

    let id = expect(5, "GET None Some(200) None Abandoned");
    let endless = service_fn(async |_: Request<Body>| {
        let body = Body::from_stream(futures_util::stream::pending::<Result<&str, Infallible>>());
        Ok::<_, Infallible>(Response::new(body))
    });
    drop(layer.layer(endless).oneshot(request("/", &id)).await);

    let id = expect(6, "GET None None Some(\"panic\") Failed");
    let response = layer.layer(service_fn(panics)).oneshot(request("/", &id));
    assert!(AssertUnwindSafe(response).catch_unwind().await.is_err());

    assert_eq!(*told.lock().unwrap(), expected);
}

#[tokio::test]
async fn panicking_access_log_keeps_answer() {
    recorder();
    let layer = TraceLayer::new().access_log_with(|_| panic!("the log is full"));
    let answers =
        service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty())));
    let id = "0af7651916cd43dd8448eb211c80319c";
    let answer = layer.layer(answers).oneshot(request("/", id)).await;
    assert_eq!(answer.unwrap().status(), 200);

    let response = layer.layer(service_fn(panics)).oneshot(request("/", id));
    assert!(AssertUnwindSafe(response).catch_unwind().await.is_err());
    recorder().trace(id, 2).await;
}

#[tokio::test]
async fn disabled_access_log_writes_nothing() {
    let messages = Messages::default();
    let subscriber = tracing_subscriber::registry().with(messages.clone());
    let _subscriber = subscriber::set_default(subscriber);
    for (wanted, expected) in [(true, vec!["request served"]), (false, vec![])] {
        let answers = service_fn(async |_: Request<Body>| {
            tracing::info!("the handler's own");
            Ok::<_, Infallible>(Response::new(Body::empty()))
        });
        let layer = TraceLayer::new().access_log(wanted);
        let request = request("/", "4bf92f3577b34da6a3ce929d0e0e4736");
        layer.layer(answers).oneshot(request).await.unwrap();
        let said = messages.said();
        assert_eq!(said[0], "the handler's own");
        assert_eq!(said[1..], expected, "{wanted}");
    }
}
