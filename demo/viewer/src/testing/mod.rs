//! Creates spans and traces for unit tests of this crate and, with the feature `testing`, of other crates.

use std::ops::Range;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use crate::store::{Limits, Store, Trace, TraceId};

#[cfg(test)]
mod server;
#[cfg(test)]
pub(crate) use server::{client, get, serve};

/// Trace id of all spans created here.
pub const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A test span of a service, which can be changed and inserted into a store.
#[derive(Clone)]
pub struct TestSpan {
    service: &'static str,
    /// The span as an exporter sends it.
    pub span: Span,
}

/// Creates a span without a kind. Ids are small numbers, and times are in nanoseconds.
pub fn span(
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
pub fn request(service: &'static str, id: u64, name: &str, times: Range<u64>) -> TestSpan {
    let mut request = span(service, id, None, name, times);
    request.span.kind = SpanKind::Server.into();
    request
}

/// Creates the SERVER span of a request that runs a pitfall.
pub fn pitfall(name: &str, fixed: bool, times: Range<u64>) -> TestSpan {
    let mut request = request("checkout", 1, "POST /pitfalls/{name}", times);
    request.set("http.route", "/pitfalls/{name}");
    request.set("url.path", &format!("/pitfalls/{name}"));
    if fixed {
        request.set("url.query", "fixed=true");
    }
    request
}

impl TestSpan {
    /// Adds an attribute to the span.
    pub fn set(&mut self, key: &str, value: &str) {
        self.span.attributes.push(attribute(key, value));
    }

    /// Marks the span as failed, with this `error.type`.
    #[must_use]
    pub fn failed(mut self, error_type: &str) -> Self {
        self.span.status = Some(Status {
            code: StatusCode::Error.into(),
            message: String::new(),
        });
        self.span
            .attributes
            .push(attribute("error.type", error_type));
        self
    }

    /// Returns a batch that contains only this span.
    pub fn batch(self) -> ResourceSpans {
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

/// Creates an attribute.
pub fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

/// Returns [`TRACE_ID`] as a parsed trace id.
pub fn trace_id() -> TraceId {
    TRACE_ID.parse().expect("a valid trace id")
}

fn trace_id_bytes() -> Vec<u8> {
    let number = u128::from_str_radix(TRACE_ID, 16).expect("hexadecimal digits");
    number.to_be_bytes().to_vec()
}

/// Inserts the spans into a store and returns their trace.
pub fn trace(spans: Vec<TestSpan>) -> Trace {
    let store = Store::new(Limits::default());
    store.insert(spans.into_iter().map(TestSpan::batch).collect());
    store.trace(trace_id()).expect("at least one span")
}
