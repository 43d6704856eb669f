//! `OTEL_TRACES_EXPORTER=console`: each span as one JSON object a line, on standard error, since standard output is where
//! log lines go.

use std::{
    io::{self, Write as _},
    time::SystemTime,
};

use opentelemetry::{KeyValue, SpanId, Value as Attribute, trace::Status};
use opentelemetry_sdk::{
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};
use serde_json::{Map, Value, json};

#[derive(Debug)]
pub(super) struct ConsoleExporter;

impl SpanExporter for ConsoleExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut console = io::stderr().lock();
        for span in &batch {
            writeln!(console, "{}", line(span))
                .map_err(|error| OTelSdkError::InternalFailure(error.to_string()))?;
        }
        Ok(())
    }
}

fn line(span: &SpanData) -> Value {
    let duration = span.end_time.duration_since(span.start_time);
    let parent = (span.parent_span_id != SpanId::INVALID).then(|| span.parent_span_id.to_string());
    let status = match &span.status {
        Status::Unset => json!("unset"),
        Status::Ok => json!("ok"),
        Status::Error { description } => json!({ "error": description }),
    };
    let events = span.events.iter().map(|event| {
        json!({
            "name": event.name,
            "time": time(event.timestamp),
            "attributes": attributes(&event.attributes),
        })
    });
    let links = span.links.iter().map(|link| {
        json!({
            "trace_id": link.span_context.trace_id().to_string(),
            "span_id": link.span_context.span_id().to_string(),
            "attributes": attributes(&link.attributes),
        })
    });
    json!({
        "span": span.name,
        "kind": format!("{:?}", span.span_kind).to_lowercase(),
        "trace_id": span.span_context.trace_id().to_string(),
        "span_id": span.span_context.span_id().to_string(),
        "parent_span_id": parent,
        "start": time(span.start_time),
        "duration_ms": duration.unwrap_or_default().as_secs_f64() * 1e3,
        "status": status,
        "attributes": attributes(&span.attributes),
        "events": events.collect::<Vec<_>>(),
        "links": links.collect::<Vec<_>>(),
    })
}

fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_micros(time).to_string()
}

fn attributes(attributes: &[KeyValue]) -> Map<String, Value> {
    attributes
        .iter()
        .map(|attribute| {
            let value = match &attribute.value {
                Attribute::Bool(value) => json!(value),
                Attribute::I64(value) => json!(value),
                Attribute::F64(value) => json!(value),
                other => json!(other.as_str()),
            };
            (attribute.key.to_string(), value)
        })
        .collect()
}
