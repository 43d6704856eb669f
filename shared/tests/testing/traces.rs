//! The messages of `shared::testing` for incomplete traces.

use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry::{
    Context, SpanId, TraceId, global,
    trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceState, Tracer as _},
};
use shared::testing::{Trace, recorder};

/// Returns the panic message of `assert_joined`.
fn panic_message(trace: &Trace) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| trace.assert_joined())).unwrap_err();
    *panic.downcast().unwrap()
}

/// Creates a span in the current trace with an arbitrary parent id.
fn span_below(parent: u64, name: &'static str) {
    let trace_id = Context::current().span().span_context().trace_id();
    span_of(trace_id, parent, name);
}

fn span_of(trace_id: TraceId, parent: u64, name: &'static str) {
    let parent = SpanContext::new(
        trace_id,
        SpanId::from(parent),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    let parent = Context::default().with_remote_span_context(parent);
    drop(global::tracer("test").start_with_context(name, &parent));
}

#[tracing::instrument]
fn place_order() {}

#[tokio::test]
async fn orphan_is_named_and_listed_after_tree() {
    let (trace_id, ()) = recorder()
        .in_trace("checkout", async {
            place_order();
            span_below(0x1234, "send_receipt");
        })
        .await;
    let trace = recorder().trace(&trace_id, 3).await;
    let orphans: Vec<_> = trace
        .orphans()
        .iter()
        .map(|span| span.name.clone())
        .collect();
    assert_eq!(orphans, ["send_receipt"]);
    assert_eq!(
        panic_message(&trace),
        "\
the trace is not joined:
- `INTERNAL send_receipt` is an orphan: its parent 0000000000001234 is not recorded
Recorded spans:
INTERNAL checkout
  INTERNAL place_order
orphan of 0000000000001234:
  INTERNAL send_receipt
"
    );
}

#[tokio::test]
async fn trace_without_root_is_not_joined() {
    let trace_id = TraceId::from(0x5678);
    span_of(trace_id, 0x1234, "GET /check/{item_id}");
    let trace = recorder().now(&trace_id.to_string());
    assert_eq!(
        panic_message(&trace),
        "\
the trace is not joined:
- it has no root: the first span has not ended in this process
- `INTERNAL GET /check/{item_id}` is an orphan: its parent 0000000000001234 is not recorded
Recorded spans:
orphan of 0000000000001234:
  INTERNAL GET /check/{item_id}
"
    );
}

#[test]
fn empty_trace_is_not_joined() {
    let message = panic_message(&Trace::default());
    assert!(message.contains("no ended spans"), "{message}");
}

#[tokio::test]
async fn joined_trace_passes_and_has_no_orphans() {
    let (trace_id, ()) = recorder()
        .in_trace("checkout", async { place_order() })
        .await;
    let trace = recorder().trace(&trace_id, 2).await;
    trace.assert_joined();
    assert_eq!(trace.orphans(), Vec::<&shared::testing::Span>::new());
}

#[tokio::test]
async fn missing_span_panics_with_name_and_tree() {
    let (trace_id, ()) = recorder().in_trace("checkout", async {}).await;
    let trace = recorder().trace(&trace_id, 1).await;
    let panic = catch_unwind(AssertUnwindSafe(|| {
        trace.span("send_receipt");
    }));
    let message: Box<String> = panic.unwrap_err().downcast().unwrap();
    assert_eq!(
        *message,
        "no span is named `send_receipt` in this trace:\nINTERNAL checkout\n"
    );
}
