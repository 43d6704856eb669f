//! Which `tracing` spans become spans of a trace: those from `info` up, and none of the exporter's own HTTP client.

use shared::testing::recorder;
use tracing::Span;

/// Makes each span, below the one before it, and ends them all.
fn nest(spans: &[Span]) {
    if let Some((span, rest)) = spans.split_first() {
        span.in_scope(|| nest(rest));
    }
}

#[tokio::test]
async fn spans_from_info_up_are_exported_and_no_others() {
    recorder();
    let spans = || {
        [
            tracing::error_span!("an error"),
            tracing::trace_span!("a trace"),
            tracing::warn_span!("a warning"),
            tracing::debug_span!("a bug"),
            tracing::info_span!("an info"),
        ]
    };
    let (trace_id, ()) = recorder().in_trace("root", async { nest(&spans()) }).await;
    let trace = recorder().trace(&trace_id, 4).await;
    let expected = "\
INTERNAL root
  INTERNAL an error
    INTERNAL a warning
      INTERNAL an info
";
    assert_eq!(trace.tree(), expected);
}

#[tokio::test]
async fn spans_of_the_exporters_own_libraries_are_not_exported() {
    recorder();
    let spans = || {
        [
            tracing::info_span!(target: "hyper::client", "hyper"),
            tracing::info_span!(target: "h2", "h2"),
            tracing::info_span!(target: "hyperion", "begins like it"),
            tracing::info_span!(target: "reqwest::connect", "reqwest"),
            tracing::info_span!(target: "opentelemetry_sdk", "sdk"),
        ]
    };
    let (trace_id, ()) = recorder().in_trace("root", async { nest(&spans()) }).await;
    let trace = recorder().trace(&trace_id, 2).await;
    assert_eq!(trace.tree(), "INTERNAL root\n  INTERNAL begins like it\n");
}
