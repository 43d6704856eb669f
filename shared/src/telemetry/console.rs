//! `OTEL_TRACES_EXPORTER=console`: writes each span as a line of JSON to standard error, because log lines
//! go to standard output.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use opentelemetry::{Context, KeyValue, SpanId, Value as Attribute, trace::Status};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use otlp::ValueLimits;
use serde_json::{Map, Value, json};

use super::{SpanCounts, panics, redacted};
use crate::internal::stdio::Stream;

/// Writes each span when it ends, in one write, so that lines of several processes do not mix.
#[derive(Debug, Clone)]
pub(super) struct ConsoleProcessor {
    counts: Arc<Mutex<SpanCounts>>,
    limits: ValueLimits,
}

impl ConsoleProcessor {
    pub(super) fn new(limits: ValueLimits) -> Self {
        Self {
            counts: Arc::default(),
            limits,
        }
    }

    pub(super) fn counts(&self) -> SpanCounts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanProcessor for ConsoleProcessor {
    fn on_start(&self, _span: &mut Span, _cx: &Context) {}

    fn on_end(&self, mut span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        // The SDK calls `on_end` while it holds the lock of the span.
        let written = panics::contained(|| {
            redacted::redact(&mut span);
            let line = format!("{}\n", line(&span, self.limits));
            // The lock separates threads, because a line that exceeds the atomic write size of a pipe takes
            // several writes.
            let _whole = io::stderr().lock();
            Stream::Stderr.write_all(line.as_bytes()).is_ok()
        });
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.ended += 1;
        if written == Some(true) {
            counts.exported += 1;
        } else {
            // A failed write is counted but not logged, because the console itself has failed.
            counts.lost.export_failed += 1;
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn line(span: &SpanData, limits: ValueLimits) -> Value {
    let duration = span.end_time.duration_since(span.start_time);
    let parent = (span.parent_span_id != SpanId::INVALID).then(|| span.parent_span_id.to_string());
    let status = match &span.status {
        Status::Unset => json!("unset"),
        Status::Ok => json!("ok"),
        Status::Error { description } => json!({ "error": ValueLimits::name(description) }),
    };
    let events = span.events.iter().map(|event| {
        json!({
            "name": ValueLimits::name(&event.name),
            "time": time(event.timestamp),
            "attributes": attributes(&event.attributes, limits),
        })
    });
    let links = span.links.iter().map(|link| {
        json!({
            "trace_id": link.span_context.trace_id().to_string(),
            "span_id": link.span_context.span_id().to_string(),
            "attributes": attributes(&link.attributes, limits),
        })
    });
    json!({
        "span": ValueLimits::name(&span.name),
        "kind": format!("{:?}", span.span_kind).to_lowercase(),
        "trace_id": span.span_context.trace_id().to_string(),
        "span_id": span.span_context.span_id().to_string(),
        "parent_span_id": parent,
        "start": time(span.start_time),
        "duration_ms": duration.unwrap_or_default().as_secs_f64() * 1e3,
        "status": status,
        "attributes": attributes(&span.attributes, limits),
        "events": events.collect::<Vec<_>>(),
        "links": links.collect::<Vec<_>>(),
    })
}

fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_micros(time).to_string()
}

fn attributes(attributes: &[KeyValue], limits: ValueLimits) -> Map<String, Value> {
    attributes
        .iter()
        .map(|attribute| {
            let value = match &attribute.value {
                Attribute::Bool(value) => json!(value),
                Attribute::I64(value) => json!(value),
                Attribute::F64(value) => json!(value),
                other => json!(limits.text(attribute.key.as_str(), &other.as_str())),
            };
            (attribute.key.to_string(), value)
        })
        .collect()
}
