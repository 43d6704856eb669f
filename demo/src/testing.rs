//! Spans and traces for the unit tests.

use std::net::SocketAddr;
use std::ops::Range;

use axum::Router;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use crate::store::{Limits, Store, Trace, TraceId};

/// Trace id of all spans created here.
pub(crate) const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A span of a service, to be extended and inserted.
#[derive(Clone)]
pub(crate) struct TestSpan {
    service: &'static str,
    pub(crate) span: Span,
}

/// Creates a span with small numbers as ids, times in nanoseconds, and no kind.
pub(crate) fn span(
    service: &'static str,
    id: u64,
    parent: Option<u64>,
    name: &str,
    times: Range<u64>,
) -> TestSpan {
    TestSpan {
        service,
        span: Span {
            trace_id: trace_id_bytes(),
            span_id: id.to_be_bytes().to_vec(),
            parent_span_id: parent.map_or_else(Vec::new, |id| id.to_be_bytes().to_vec()),
            name: name.to_owned(),
            start_time_unix_nano: times.start,
            end_time_unix_nano: times.end,
            ..Span::default()
        },
    }
}

/// Creates the root SERVER span of a request.
pub(crate) fn request(service: &'static str, id: u64, name: &str, times: Range<u64>) -> TestSpan {
    let mut request = span(service, id, None, name, times);
    request.span.kind = SpanKind::Server.into();
    request
}

/// Creates the SERVER span of a request that runs a pitfall.
pub(crate) fn pitfall(name: &str, fixed: bool, times: Range<u64>) -> TestSpan {
    let mut request = request("checkout", 1, "POST /pitfalls/{name}", times);
    request.set("http.route", "/pitfalls/{name}");
    request.set("url.path", &format!("/pitfalls/{name}"));
    if fixed {
        request.set("url.query", "fixed=true");
    }
    request
}

impl TestSpan {
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.span.attributes.push(attribute(key, value));
    }

    pub(crate) fn failed(mut self, error_type: &str) -> Self {
        self.span.status = Some(Status {
            code: StatusCode::Error.into(),
            message: String::new(),
        });
        self.span
            .attributes
            .push(attribute("error.type", error_type));
        self
    }

    pub(crate) fn batch(self) -> ResourceSpans {
        ResourceSpans {
            resource: Some(Resource {
                attributes: vec![attribute("service.name", self.service)],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: vec![self.span],
                ..ScopeSpans::default()
            }],
            schema_url: String::new(),
        }
    }
}

pub(crate) fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

pub(crate) fn trace_id() -> TraceId {
    TRACE_ID.parse().unwrap()
}

pub(crate) fn trace_id_bytes() -> Vec<u8> {
    u128::from_str_radix(TRACE_ID, 16)
        .unwrap()
        .to_be_bytes()
        .to_vec()
}

/// Returns the spans as the store returns them.
pub(crate) fn trace(spans: Vec<TestSpan>) -> Trace {
    let store = Store::new(Limits::default());
    store.insert(spans.into_iter().map(TestSpan::batch).collect());
    store.trace(trace_id()).unwrap()
}

/// Serves the router on a real socket, closed with the test's runtime.
pub(crate) async fn serve(router: Router) -> String {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = tokio::net::TcpListener::bind(loopback).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Returns a client that ignores proxy settings of the environment.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Returns status and body of `GET path`.
pub(crate) async fn get(router: Router, path: &str) -> (u16, String) {
    let url = serve(router).await;
    let response = client().get(url + path).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}
