//! An event with an explicit parent has the ids of that span, even if another span is current.

use opentelemetry::trace::TraceContextExt as _;
use shared::tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::child;

pub(crate) fn log_lines() {
    let parent = tracing::info_span!("parent");
    let other = tracing::info_span!("other");
    let cx = parent.context();
    let ids = cx.span().span_context().clone();
    let (trace_id, span_id) = (ids.trace_id().to_string(), ids.span_id().to_string());
    let log = || tracing::info!(parent: &parent, expected = trace_id, parent = span_id, "said");
    log();
    other.in_scope(log);
}

#[test]
fn event_with_explicit_parent_has_its_ids() {
    let lines = child::lines("explicit_parent", "json");
    assert_eq!(lines.len(), 2, "{lines:#?}");
    for line in lines {
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["trace_id"], line["expected"], "{line}");
        assert_eq!(line["span_id"], line["parent"], "{line}");
    }
}
