//! A thousand concurrent requests that end in every possible way: each has one span, and none is still counted as
//! active.

use std::collections::{HashMap, HashSet};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    middleware::{Next, from_fn},
    routing::{get, post},
};
use futures_util::{StreamExt as _, future::join_all, stream};
use http::StatusCode;
use opentelemetry::TraceId;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use shared::{problem, server::TraceLayer, testing::recorder};
use tokio::sync::watch;

use crate::support::{Caller, Connection, Meters, Numbers, Service, patience, start};

const CONNECTIONS: usize = 50;
const REQUESTS: usize = 20;

async fn panics() {
    panic!("as it must");
}

async fn streams() -> Body {
    let parts = (0..100).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 1000])));
    Body::from_stream(stream::iter(parts))
}

async fn breaks() -> Body {
    let parts = [Ok(Bytes::from("part")), Err(std::io::Error::other("full"))];
    Body::from_stream(stream::iter(parts))
}

/// Sends a part of the response body, and then nothing more.
async fn never_ends() -> Body {
    let part = stream::iter([Ok::<_, std::io::Error>(Bytes::from("part"))]);
    Body::from_stream(part.chain(stream::pending()))
}

fn router() -> Router {
    Router::new()
        .route("/ok", get("ok"))
        .route("/echo", post(async |body: Bytes| body))
        .route("/500", get(StatusCode::INTERNAL_SERVER_ERROR))
        .route("/panics", get(panics))
        .route("/streams", get(streams))
        .route("/breaks", get(breaks))
        .route("/stuck", get(std::future::pending::<()>))
        .route("/never-ends", get(never_ends))
        .layer(problem::catch_panic())
}

/// Sends one request on a connection. Returns the connection if it can be used again.
async fn request(
    mut connection: Connection,
    numbers: &mut Numbers,
    mut arrived: watch::Receiver<HashSet<String>>,
) -> Option<Connection> {
    let caller = Caller::new();
    let line = match numbers.below(10) {
        0 => "GET /panics",
        1 => "GET /500",
        2 => "GET /nothing",
        3 => "POST /echo",
        4 => "HEAD /ok",
        5 => "GET /breaks",
        6 => "GET /streams",
        7 => "GET /stuck",
        8 => "GET /never-ends",
        _ => "GET /ok",
    };
    let body = match line {
        "POST /echo" => "Content-Length: 5\r\n\r\nhello",
        _ => "",
    };
    connection.request_with(line, &caller, body).await;
    if line == "GET /stuck" || numbers.below(5) == 0 {
        // The HTTP server does not pass a request to the service if its client has already disconnected.
        let here = arrived.wait_for(|arrived| arrived.contains(&caller.traceparent()));
        drop(patience(here).await.unwrap());
        if numbers.below(2) == 0 {
            connection.reset();
        }
        return None;
    }
    match line {
        "GET /breaks" => {
            connection.until_closed().await;
            return None;
        }
        "GET /streams" => {
            connection.head().await;
            for _ in 0..numbers.below(100) {
                connection.chunk().await;
            }
            return None;
        }
        "GET /never-ends" => {
            connection.head().await;
            connection.chunk().await;
            return None;
        }
        "HEAD /ok" => connection.head().await,
        _ => connection.answer().await,
    };
    Some(connection)
}

async fn requests(service: &Service, seed: u64, arrived: &watch::Receiver<HashSet<String>>) {
    let mut numbers = Numbers(seed);
    let mut connection = None;
    for _ in 0..REQUESTS {
        let used = match connection.take() {
            Some(connection) => connection,
            None => Connection::open(service).await,
        };
        connection = request(used, &mut numbers, arrived.clone()).await;
    }
}

/// Counts the ended spans of each trace.
#[derive(Debug, Default)]
struct Traces(watch::Sender<HashMap<TraceId, usize>>);

impl SpanExporter for &'static Traces {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.send_modify(|traces| {
            for span in batch {
                *traces.entry(span.span_context.trace_id()).or_default() += 1;
            }
        });
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_mixed_requests_leave_one_span_each() {
    recorder();
    let traces: &Traces = Box::leak(Box::default());
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(traces)
        .build();
    let meters = Meters::new();
    let layer = TraceLayer::new()
        .tracer_provider(&provider)
        .meter_provider(&meters.provider);
    let (arrivals, arrived) = watch::channel(HashSet::new());
    let outermost = from_fn(move |request: Request, next: Next| {
        let traceparent = request.headers()["traceparent"]
            .to_str()
            .unwrap()
            .to_owned();
        arrivals.send_modify(|arrived| assert!(arrived.insert(traceparent)));
        next.run(request)
    });
    let service = start(router().layer(layer).layer(outermost)).await;
    join_all((1..=CONNECTIONS as u64).map(|seed| requests(&service, seed, &arrived))).await;

    let mut ended = traces.0.subscribe();
    let all = ended.wait_for(|traces| traces.len() == CONNECTIONS * REQUESTS);
    drop(patience(all).await.unwrap());
    let active = meters.values("http.server.active_requests");
    assert!(active.iter().all(|(_, count)| *count == 0), "{active:?}");
    let durations = meters.counts("http.server.request.duration");
    let requests: i64 = durations.iter().map(|(_, count)| count).sum();
    assert_eq!(requests, 1000);
    patience(service.shut_down()).await;
    assert!(traces.0.borrow().values().all(|spans| *spans == 1));
}
