//! Which `tracing` spans become spans of a trace: spans from level `info` up, but no spans of the exporter's own HTTP
//! client.

use shared::testing::recorder;
use tracing::Span;

/// Creates each span in a new trace. Returns the tree of the trace once `exported` spans have ended.
async fn tree<const N: usize>(spans: fn() -> [Span; N], exported: usize) -> String {
    let begin_and_end = async { spans().map(|span| span.in_scope(|| ())) };
    let (trace_id, _) = recorder().in_trace("root", begin_and_end).await;
    recorder().trace(&trace_id, exported).await.tree()
}

#[tokio::test]
async fn only_spans_from_info_are_exported() {
    let spans = || {
        [
            tracing::error_span!("an error"),
            tracing::trace_span!("a trace"),
            tracing::warn_span!("a warning"),
            tracing::debug_span!("a bug"),
            tracing::info_span!("an info"),
        ]
    };
    let expected = "\
INTERNAL root
  INTERNAL an error
  INTERNAL a warning
  INTERNAL an info
";
    assert_eq!(tree(spans, 4).await, expected);
}

#[tokio::test]
async fn exporter_library_spans_are_not_exported() {
    let spans = || {
        [
            tracing::info_span!(target: "hyper::client", "hyper"),
            tracing::info_span!(target: "h2", "h2"),
            tracing::info_span!(target: "hyperion", "begins like it"),
            tracing::info_span!(target: "reqwest::connect", "reqwest"),
            tracing::info_span!(target: "opentelemetry_sdk", "sdk"),
        ]
    };
    let expected = "INTERNAL root\n  INTERNAL begins like it\n";
    assert_eq!(tree(spans, 2).await, expected);
}
