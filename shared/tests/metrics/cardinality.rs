//! Even if callers vary every part of their requests, a service has few span names and few metric series, and its
//! memory does not grow.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, routing::any};
use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use shared::{client::TraceMiddleware, server::TraceLayer};

use crate::support::{Caller, Connection, Meters, client, in_child, start};

/// Number of requests, each different from all others.
const DISTINCT: usize = 20_000;
/// Bytes of each request path. If the service kept the paths, its memory would grow by 20 MB.
const PATH: usize = 1000;
/// Maximum growth of the memory of this process, in bytes.
const MEMORY: usize = 8 << 20;

/// A span processor that keeps only the names of spans.
#[derive(Debug, Clone, Default)]
struct Names(Arc<Mutex<BTreeSet<String>>>);

impl SpanProcessor for Names {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap().insert(span.name.into_owned());
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Names {
    fn provider(&self) -> SdkTracerProvider {
        let provider = SdkTracerProvider::builder();
        provider.with_span_processor(self.clone()).build()
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().cloned().collect()
    }
}

/// Returns the memory of this process in bytes, or `None` if the system does not report it.
fn memory() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<usize>().ok()? * 4096)
}

/// Runs in a child process, because the test measures the memory of the whole process.
#[test]
fn server_cardinality_is_bounded() {
    in_child(&[], async || send_distinct_requests().await);
}

async fn send_distinct_requests() {
    let (names, meters) = (Names::default(), Meters::new());
    let layer = TraceLayer::new()
        .tracer_provider(&names.provider())
        .meter_provider(&meters.provider);
    let router = Router::new().route("/items/{id}", any(()));
    let service = start(router.layer(layer)).await;
    let mut connection = Connection::open(&service).await;
    let padding = "x".repeat(PATH);
    let mut before = None;
    for number in 0..DISTINCT {
        let (known, path) = (number % 2 == 0, number % 4 < 2);
        let method = if known {
            "GET".to_owned()
        } else {
            format!("M{number}")
        };
        let directory = if path { "/items/" } else { "/" };
        let request = format!(
            "{method} {directory}{number}-{padding}?{number}={padding} HTTP/1.1\r\nHost: h{number}.example:{}\r\n\
             X-Forwarded-Host: f{number}\r\nForwarded: proto=p{number};host=h{number}\r\nUser-Agent: a{number}\r\n\
             traceparent: {}\r\ntracestate: k{number}=v\r\nbaggage: k{number}=v\r\n\r\n",
            number % 65536,
            Caller::new().traceparent(),
        );
        connection.send(request.as_bytes()).await;
        assert_eq!(
            connection.answer().await.status,
            if path { 200 } else { 404 }
        );
        if number == DISTINCT / 10 {
            before = memory();
        }
    }
    if let (Some(before), Some(after)) = (before, memory()) {
        assert!(after < before + MEMORY, "from {before} to {after} bytes");
    }
    let expected = ["GET", "GET /items/{id}", "HTTP", "HTTP /items/{id}"];
    assert_eq!(names.all(), expected);
    assert_eq!(meters.counts("http.server.request.duration").len(), 4);
    assert_eq!(meters.values("http.server.active_requests").len(), 2);
}

#[tokio::test]
async fn client_cardinality_is_bounded() {
    let (names, meters) = (Names::default(), Meters::new());
    let middleware = TraceMiddleware::new()
        .tracer_provider(&names.provider())
        .meter_provider(&meters.provider);
    // The requested hosts do not exist. A client that calls webhooks on arbitrary hosts causes the same variety.
    let client = client(middleware);
    for number in 0..DISTINCT / 4 {
        let method = if number % 2 == 0 {
            "GET".to_owned()
        } else {
            format!("M{number}")
        };
        let url = format!("ftp://h{number}.example:{}/{number}?{number}", number + 1);
        let request = client.request(method.parse().unwrap(), url);
        assert!(request.send().await.is_err());
    }
    assert_eq!(names.all(), ["GET", "HTTP"]);
    let series = meters.counts("http.client.request.duration");
    assert_eq!(series.len(), 2001, "the SDK's limit, and what is beyond it");
}
