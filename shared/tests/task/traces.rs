//! Tasks stay in their trace, and work for many requests is linked to all of their traces.

use opentelemetry::Context;
use shared::{
    span, task,
    testing::{Span, recorder},
};
use tokio::sync::{mpsc, oneshot};

#[tracing::instrument]
async fn send_receipt(response_sent: oneshot::Receiver<()>) {
    response_sent.await.unwrap();
}

#[tracing::instrument]
fn count_stock() -> bool {
    task::cancellation().is_cancelled()
}

#[tokio::test]
async fn task_outliving_request_stays_in_trace() {
    let (response, sent) = oneshot::channel();
    let mut receipt = None;
    let request = async { receipt = Some(task::spawn(send_receipt(sent))) };
    let (trace_id, ()) = recorder().in_trace("checkout", request).await;
    assert_eq!(recorder().now(&trace_id).tree(), "INTERNAL checkout\n");

    response.send(()).unwrap();
    receipt.unwrap().await.unwrap();
    let trace = recorder().trace(&trace_id, 2).await;
    trace.assert_joined();
    assert_eq!(
        trace.tree(),
        "\
INTERNAL checkout
  INTERNAL send_receipt
"
    );
    assert!(trace.span("send_receipt").end > trace.span("checkout").end);
}

#[tokio::test]
async fn blocking_work_stays_in_trace() {
    let (trace_id, cancelled) = recorder()
        .in_trace("checkout", async {
            task::spawn_blocking(count_stock).await.unwrap()
        })
        .await;
    assert!(!cancelled);
    let trace = recorder().trace(&trace_id, 2).await;
    assert_eq!(
        trace.tree(),
        "\
INTERNAL checkout
  INTERNAL count_stock
"
    );
}

#[tokio::test]
async fn cancelled_task_ends_its_spans() {
    let (_open, never) = oneshot::channel();
    let (trace_id, ()) = recorder()
        .in_trace("checkout", async {
            let task = task::spawn(send_receipt(never));
            let end = task.cancel_on_drop();
            tokio::task::yield_now().await;
            drop(end);
            assert!(matches!(task.await, Err(task::TaskError::Cancelled)));
        })
        .await;
    let trace = recorder().trace(&trace_id, 2).await;
    trace.assert_joined();
    trace.span("send_receipt");
}

#[tokio::test]
async fn linked_work_links_each_request() {
    let (queue, mut queued) = mpsc::unbounded_channel();
    let mut requests = Vec::new();
    for _ in 0..3 {
        let queue = queue.clone();
        let request = async move { queue.send(Context::current()).unwrap() };
        requests.push(recorder().in_trace("checkout", request).await.0);
    }
    let mut batch = Vec::new();
    queued.recv_many(&mut batch, 10).await;
    batch.push(Context::default());

    // The current request is only one of several requests in the batch, so its trace is linked like the other traces.
    let sending = async {
        let (go, gate) = oneshot::channel();
        go.send(()).unwrap();
        let batch_sent = async {
            send_receipt(gate).await;
            span::trace_id().unwrap()
        };
        task::spawn(task::in_linked_trace("send_receipts", batch, batch_sent)).await
    };
    let (current, trace_id) = recorder().in_trace("checkout", sending).await;
    let trace_id = trace_id.unwrap();
    assert_ne!(trace_id, current);
    let trace = recorder().trace(&trace_id, 2).await;
    trace.assert_joined();
    assert_eq!(
        trace.tree(),
        "\
INTERNAL send_receipts
  INTERNAL send_receipt
"
    );
    let mut links = Vec::new();
    for request in requests {
        let Span {
            trace_id, span_id, ..
        } = recorder().span(&request, "checkout").await;
        links.push((trace_id, span_id));
    }
    assert_eq!(trace.span("send_receipts").links, links);
}

#[tokio::test]
async fn task_panic_fails_task_span_only() {
    #[tracing::instrument]
    async fn send_receipt() {
        panic!("the printer is out of paper");
    }
    let recorder = recorder();
    let (trace_id, ()) = recorder
        .in_trace("request", async {
            let receipt = shared::task::spawn(send_receipt());
            assert!(receipt.await.is_err());
            let bare = shared::task::spawn(async { panic!("before creating a span") });
            assert!(bare.await.is_err());
            let blocking = shared::task::spawn_blocking(|| panic!("before creating a span"));
            assert!(blocking.await.is_err());
        })
        .await;
    let trace = recorder.trace(&trace_id, 2).await;
    assert_eq!(
        trace.tree(),
        "INTERNAL request\n  INTERNAL send_receipt [error: panic]\n"
    );
    assert_eq!(trace.span("send_receipt").events[0].name, "exception");
    assert_eq!(trace.span("request").events, []);
}

#[tracing::instrument]
async fn refresh_prices() -> String {
    span::trace_id().unwrap()
}

#[tokio::test]
async fn task_without_trace_starts_recorded_trace() {
    let recorder = recorder();
    let trace_id = task::spawn(refresh_prices()).await.unwrap();
    let trace = recorder.trace(&trace_id, 1).await;
    assert_eq!(trace.tree(), "INTERNAL refresh_prices\n");
}

#[tokio::test]
async fn panicked_task_is_not_cancelled() {
    let task = task::spawn(async { panic!("the printer is out of paper") });
    let error = task.await.unwrap_err();
    assert!(matches!(error, task::TaskError::Panicked(_)), "{error:?}");
    assert_eq!(error.to_string(), "the task panicked");
}

#[tokio::test]
async fn task_of_dropped_runtime_is_cancelled() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let task = {
        let _within = runtime.enter();
        task::spawn(std::future::pending::<()>())
    };
    runtime.shutdown_background();
    assert!(matches!(task.await, Err(task::TaskError::Cancelled)));
}
