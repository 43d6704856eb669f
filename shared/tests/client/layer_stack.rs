//! The client layer inside and outside other tower layers.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    io::ErrorKind,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    routing::{MethodRouter, get},
};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use shared::{client::ClientTraceLayer, server::TraceLayer, testing::recorder};
use tower::{Layer as _, ServiceExt as _, spawn_ready::SpawnReadyLayer};

use crate::{
    layer::get_request,
    support::{clients, start},
};

/// A service that connects in `poll_ready`, and records a span for this.
#[derive(Default)]
struct Connects {
    polls: usize,
}

impl tower::Service<Request<Body>> for Connects {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.polls += 1;
        if self.polls == 1 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.polls == 2 {
            tracing::info_span!("connect").in_scope(|| ());
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Ok(Response::new(Body::empty())))
    }
}

/// `SpawnReadyLayer` waits in a separate task until the inner service is ready.
#[tokio::test]
async fn spawn_ready_around_layer_joins_callers_trace() {
    let handler = async || {
        let client = tower::ServiceBuilder::new()
            .layer(SpawnReadyLayer::new())
            .layer(ClientTraceLayer::new())
            .service(Connects::default());
        let request = get_request("http://inventory/check");
        client.oneshot(request).await.unwrap();
        shared::span::trace_id().unwrap()
    };
    let tree = tree_of(get(handler), 3).await;
    assert_eq!(tree, "SERVER GET /\n  INTERNAL connect\n  CLIENT GET\n");
}

/// Sends a request through `client` from a handler. Returns the span tree of the handled request.
async fn tree_of_handler<S>(client: S) -> String
where
    S: tower::Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: std::fmt::Debug + Send,
{
    let handler = async move || {
        let request = get_request("http://inventory/check");
        client.oneshot(request).await.unwrap();
        shared::span::trace_id().unwrap()
    };
    tree_of(get(handler), 2).await
}

/// Sends a request to a handler that responds with its trace id. Returns the span tree of the request.
async fn tree_of(handler: MethodRouter, spans: usize) -> String {
    recorder();
    let router = Router::new().route("/", handler);
    let service = start(router.layer(TraceLayer::new())).await;
    let request = Request::get(format!("http://{}/", service.address)).body(Body::empty());
    let plain = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let answer = plain.request(request.unwrap()).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let trace_id = String::from_utf8(body.to_vec()).unwrap();
    recorder().trace(&trace_id, spans).await.tree()
}

fn stand_in()
-> impl tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    tower::service_fn(|_: Request<Body>| std::future::ready(Ok(Response::new(Body::empty()))))
}

#[tokio::test]
async fn buffer_around_layer_joins_callers_trace() {
    let client = tower::ServiceBuilder::new()
        .buffer(16)
        .layer(ClientTraceLayer::new())
        .service(stand_in());
    let tree = tree_of_handler(client).await;
    assert_eq!(tree, "SERVER GET /\n  CLIENT GET\n");
}

#[tokio::test]
async fn layer_around_buffer_joins_callers_trace() {
    let client = tower::ServiceBuilder::new()
        .layer(ClientTraceLayer::new().boxed_errors())
        .buffer(16)
        .service(stand_in());
    let tree = tree_of_handler(client).await;
    assert_eq!(tree, "SERVER GET /\n  CLIENT GET\n");
}

#[tokio::test]
async fn second_layer_on_client_steps_aside() {
    let client = tower::ServiceBuilder::new()
        .layer(ClientTraceLayer::new())
        .layer(ClientTraceLayer::new())
        .service(stand_in());
    let tree = tree_of_handler(client).await;
    assert_eq!(tree, "SERVER GET /\n  CLIENT GET\n");
}

#[tokio::test]
async fn boxed_error_is_named_by_its_cause() {
    let late = || -> tower::BoxError { Box::new(std::io::Error::from(ErrorKind::TimedOut)) };
    let failing = tower::service_fn(move |_: Request<Body>| {
        std::future::ready(Err::<Response<Body>, _>(late()))
    });
    let client = ClientTraceLayer::new().boxed_errors().layer(failing);
    let sent = client.oneshot(get_request("http://inventory/check"));
    let (trace_id, result) = recorder().in_trace("caller", sent).await;
    assert!(result.is_err());
    let trace = recorder().trace(&trace_id, 2).await;
    assert_eq!(clients(&trace)[0].error_type().as_deref(), Some("timeout"));
}
