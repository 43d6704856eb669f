//! The pitfalls: each broken form breaks the trace as described, and its fixed form does not.

use serde_json::Value;
use shared::server::TraceLayer;
use shared::testing::{Span, recorder};

use crate::stand_in::{inventory_with, serve};
use crate::support::Checkout;

/// The answer of a pitfall, and the trace id and the reported name of each orphan.
struct Run {
    body: Value,
    trace_id: String,
    orphans: Vec<(String, String)>,
}

impl Run {
    fn happened(&self) -> &str {
        self.body["happened"].as_str().unwrap()
    }

    /// Waits until `spans` spans of the request's trace have ended, and returns the trace as a tree.
    async fn tree(&self, spans: usize) -> String {
        recorder().trace(&self.trace_id, spans).await.tree()
    }

    /// Returns the trace of an orphan as a tree. Asserts that the trace is separate from the request's.
    async fn tree_of_orphan(&self, index: usize, spans: usize) -> String {
        let (trace_id, name) = &self.orphans[index];
        assert_ne!(*trace_id, self.trace_id);
        let trace = recorder().trace(trace_id, spans).await;
        trace.assert_joined();
        // The answer contains the names of the service and the span. In this test, checkout's spans have no service
        // name.
        let name = name.strip_prefix("checkout ").unwrap_or(name);
        let is_orphan = |span: &Span| format!("{} {}", span.service, span.name).trim() == name;
        assert!(trace.spans.iter().any(is_orphan), "{name}: {trace}");
        trace.tree()
    }
}

/// Starts a checkout with an inventory that records spans.
pub(crate) async fn lab() -> Checkout {
    let provider = recorder().provider("inventory");
    let layer = TraceLayer::new().tracer_provider(&provider);
    Checkout::with_inventory(&serve(inventory_with(5).layer(layer)).await).await
}

async fn broken(checkout: &Checkout, name: &str) -> Run {
    run(checkout, name, false, "").await
}

async fn fixed(checkout: &Checkout, name: &str) -> Run {
    let run = run(checkout, name, true, "?fixed=true").await;
    assert_eq!(run.orphans, []);
    run
}

async fn run(checkout: &Checkout, name: &str, fixed: bool, query: &str) -> Run {
    let answer = checkout
        .post_nothing(&format!("/pitfalls/{name}{query}"))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    assert_eq!(body["pitfall"], name);
    assert_eq!(body["fixed"], fixed);
    assert_eq!(body["trace_id"], answer.trace_id());
    Run {
        trace_id: answer.trace_id().to_owned(),
        orphans: orphans(&body),
        body,
    }
}

pub(crate) fn orphans(body: &Value) -> Vec<(String, String)> {
    let text = |orphan: &Value, key: &str| orphan[key].as_str().unwrap().to_owned();
    let orphans = body["orphans"].as_array().unwrap().iter();
    orphans
        .map(|orphan| {
            assert_eq!(text(orphan, "span_id").len(), 16);
            (text(orphan, "trace_id"), text(orphan, "span"))
        })
        .collect()
}

#[tokio::test]
async fn severed_context_starts_separate_trace() {
    let lab = lab().await;
    let run = broken(&lab, "severed-context").await;
    assert_eq!(run.orphans.len(), 1);
    assert_eq!(run.tree(1).await, "SERVER POST /pitfalls/{name}\n");
    assert_eq!(
        run.tree_of_orphan(0, 2).await,
        "\
CLIENT GET /check/{item_id}
  inventory SERVER GET /check/{item_id}
"
    );
    let run = fixed(&lab, "severed-context").await;
    assert_eq!(
        run.tree(3).await,
        "\
SERVER POST /pitfalls/{name}
  CLIENT GET /check/{item_id}
    inventory SERVER GET /check/{item_id}
"
    );
}

#[tokio::test]
async fn raw_client_makes_inventory_start_new_trace() {
    let lab = lab().await;
    let run = broken(&lab, "raw-client").await;
    assert_eq!(run.orphans.len(), 1);
    assert_eq!(run.tree(1).await, "SERVER POST /pitfalls/{name}\n");
    assert_eq!(
        run.tree_of_orphan(0, 1).await,
        "inventory SERVER GET /check/{item_id}\n"
    );
    let run = fixed(&lab, "raw-client").await;
    assert_eq!(
        run.tree(3).await,
        "\
SERVER POST /pitfalls/{name}
  CLIENT GET /check/{item_id}
    inventory SERVER GET /check/{item_id}
"
    );
}

#[tokio::test]
async fn detached_task_begins_a_trace_of_its_own() {
    let lab = lab().await;
    let run = broken(&lab, "detached-task").await;
    assert_eq!(run.orphans.len(), 1);
    assert_eq!(run.tree(1).await, "SERVER POST /pitfalls/{name}\n");
    assert_eq!(
        run.tree_of_orphan(0, 1).await,
        "INTERNAL notify_warehouse\n"
    );
    let run = fixed(&lab, "detached-task").await;
    assert_eq!(
        run.tree(2).await,
        "\
SERVER POST /pitfalls/{name}
  INTERNAL notify_warehouse
"
    );
}

#[tokio::test]
async fn blocking_work_begins_a_trace_on_each_thread() {
    let lab = lab().await;
    let run = broken(&lab, "blocking-work").await;
    assert_eq!(run.tree(1).await, "SERVER POST /pitfalls/{name}\n");
    assert_eq!(run.orphans.len(), 2);
    assert_ne!(run.orphans[0].0, run.orphans[1].0);
    for orphan in 0..2 {
        assert_eq!(
            run.tree_of_orphan(orphan, 1).await,
            "INTERNAL weigh_parcel\n"
        );
    }
    let run = fixed(&lab, "blocking-work").await;
    assert_eq!(
        run.tree(3).await,
        "\
SERVER POST /pitfalls/{name}
  INTERNAL weigh_parcel
  INTERNAL weigh_parcel
"
    );
}

#[tokio::test]
async fn late_parent_is_refused() {
    let lab = lab().await;
    let run = broken(&lab, "late-parent").await;
    assert!(
        run.happened().contains("Err(AlreadyStarted)"),
        "{}",
        run.body
    );
    assert_eq!(run.orphans.len(), 1);
    assert_eq!(run.tree(1).await, "SERVER POST /pitfalls/{name}\n");
    assert_eq!(run.tree_of_orphan(0, 1).await, "INTERNAL handle_message\n");
    let run = fixed(&lab, "late-parent").await;
    assert_eq!(
        run.tree(2).await,
        "\
SERVER POST /pitfalls/{name}
  INTERNAL handle_message
"
    );
}

#[tokio::test]
async fn leaked_task_has_no_span_until_fixed() {
    let lab = lab().await;
    let run = fixed(&lab, "leaked-task").await;
    assert_eq!(run.body["live_tasks"], 0);
    assert_eq!(
        run.tree(2).await,
        "\
SERVER POST /pitfalls/{name}
  INTERNAL wait_for_restock
"
    );

    for live in 1..=2 {
        let run = broken(&lab, "leaked-task").await;
        assert_eq!(run.body["live_tasks"], live);
        assert_eq!(run.tree(1).await, "SERVER POST /pitfalls/{name}\n");
        let leaked = |span: &Span| span.name == "wait_for_restock" && span.trace_id == run.trace_id;
        assert!(!recorder().all().iter().any(leaked));
    }
    assert_eq!(fixed(&lab, "leaked-task").await.body["live_tasks"], 2);
}

#[tokio::test]
async fn leaked_tasks_are_limited_to_hundred() {
    let lab = lab().await;
    for _ in 0..100 {
        broken(&lab, "leaked-task").await;
    }
    let answer = lab.post_nothing("/pitfalls/leaked-task").await;
    let detail = answer.assert_problem(429, "too_many_tasks");
    assert!(detail.starts_with("100 leaked tasks"), "{detail}");
    assert_eq!(fixed(&lab, "leaked-task").await.body["live_tasks"], 100);
}
