//! `tracing::Span::current()` in a handler is the SERVER span, so the usual idioms of `tracing` keep the trace.

use std::future::pending;

use axum::{Router, routing::get};
use opentelemetry::{
    Value,
    trace::{SpanContext, SpanKind, Status, TraceContextExt as _, TraceState},
};
use shared::{
    server::TraceLayer,
    span, task,
    testing::{Trace, recorder},
    tracing_opentelemetry::OpenTelemetrySpanExt as _,
};
use tokio::sync::oneshot;
use tracing::{Instrument as _, Span};

use crate::support::{Caller, Connection, start};

#[tracing::instrument]
pub(crate) async fn step() {
    tokio::task::yield_now().await;
}

#[tracing::instrument]
pub(crate) fn count() {}

/// Sends a request to `handler`, and returns its trace once this many spans have ended.
pub(crate) async fn traced<H, F>(handler: H, spans: usize) -> (Caller, Trace)
where
    H: Fn() -> F + Clone + Send + Sync + 'static,
    F: Future<Output = ()> + Send,
{
    let recorder = recorder();
    let caller = Caller::new();
    let router = Router::new().route("/", get(handler));
    let service = start(router.layer(TraceLayer::new())).await;
    let mut connection = Connection::open(&service).await;
    connection.request("GET /", &caller).await;
    assert_eq!(connection.answer().await.status, 200);
    let trace = recorder.trace(&caller.trace_id, spans).await;
    service.shut_down().await;
    assert_eq!(recorder.now(&caller.trace_id).spans.len(), spans);
    (caller, trace)
}

/// Asserts that the server span has these children. The first line of the tree only names the caller's span, which this
/// process does not record.
#[track_caller]
pub(crate) fn assert_tree(trace: &Trace, children: &str) {
    let tree = trace.tree();
    let (_caller, below) = tree.split_once('\n').unwrap();
    let mut expected = vec!["  SERVER GET /".to_owned()];
    expected.extend(children.lines().map(|child| format!("  {child}")));
    assert_eq!(below.lines().collect::<Vec<_>>(), expected);
}

#[expect(clippy::disallowed_methods, reason = "in the current span")]
pub(crate) async fn spawn_in_current_span() {
    tokio::spawn(step().in_current_span()).await.unwrap();
    tokio::spawn(step().instrument(Span::current()))
        .await
        .unwrap();
    tokio::spawn(step().instrument(Span::none().or_current()))
        .await
        .unwrap();
}

#[tokio::test]
async fn spawned_task_in_current_span_joins_trace() {
    let (_, trace) = traced(spawn_in_current_span, 4).await;
    assert_tree(
        &trace,
        "  INTERNAL step\n  INTERNAL step\n  INTERNAL step\n",
    );
}

#[tokio::test]
async fn spawned_task_below_instrumented_handler_joins_trace() {
    #[tracing::instrument]
    async fn handler() {
        spawn_in_current_span().await;
    }
    let (_, trace) = traced(handler, 5).await;
    assert_tree(
        &trace,
        "  INTERNAL handler\n    INTERNAL step\n    INTERNAL step\n    INTERNAL step\n",
    );
}

#[tokio::test]
async fn current_span_records_on_server_span() {
    let linked = Caller::new();
    let other = SpanContext::new(
        u128::from_str_radix(&linked.trace_id, 16).unwrap().into(),
        u64::from_str_radix(&linked.span_id, 16).unwrap().into(),
        opentelemetry::TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let handler = move || {
        let other = other.clone();
        async move {
            let span = Span::current();
            span.record("user.id", "ann");
            span.set_attribute("shop.tenant", "acme");
            span.add_event("cache.miss", Vec::new());
            span.add_link(other);
            span.set_status(Status::Ok);
        }
    };
    let (caller, trace) = traced(handler, 1).await;
    let span = &trace.spans[0];
    assert_eq!(span.kind, SpanKind::Server);
    assert_eq!(span.parent_id, Some(caller.span_id));
    assert_eq!(span.attributes["user.id"], Value::from("ann"));
    assert_eq!(span.attributes["shop.tenant"], Value::from("acme"));
    assert_eq!(span.events[0].name, "cache.miss");
    assert_eq!(span.links, [(linked.trace_id, linked.span_id)]);
    assert_eq!(span.status, Status::Ok);
    assert_eq!(span.repeated, [""; 0]);
}

#[tokio::test]
async fn context_of_current_span_is_server_span() {
    let handler = async || {
        let current = opentelemetry::Context::current();
        let current = current.span().span_context().clone();
        let cx = Span::current().context();
        assert_eq!(*cx.span().span_context(), current);
        assert!(cx.span().is_recording());
        // The layer ends this span when the request ends, so a handler cannot end it early.
        cx.span().end();
        Span::current().set_attribute("after", true);
    };
    let (_, trace) = traced(handler, 1).await;
    assert_eq!(trace.spans[0].attributes["after"], Value::from(true));
}

#[tokio::test]
async fn current_span_does_not_delay_request_end() {
    let (open, gate) = oneshot::channel::<()>();
    let gate = std::sync::Arc::new(std::sync::Mutex::new(Some(gate)));
    let handler = move || {
        let gate = gate.lock().unwrap().take().unwrap();
        async move {
            let work = async {
                gate.await.unwrap();
                step().await;
            };
            #[expect(clippy::disallowed_methods, reason = "in the current span")]
            tokio::spawn(work.in_current_span());
        }
    };
    let (caller, trace) = traced(handler, 1).await;
    let ended = trace.spans[0].end;
    open.send(()).unwrap();
    let trace = recorder().trace(&caller.trace_id, 2).await;
    assert_tree(&trace, "  INTERNAL step\n");
    assert_eq!(trace.span("GET /").end, ended);
    assert!(trace.span("step").end > ended);
}

#[tokio::test]
async fn failure_in_spawned_task_of_request_marks_request() {
    let handler = async || {
        let work = async { span::fail("payment", "card expired") };
        #[expect(clippy::disallowed_methods, reason = "in the current span")]
        tokio::spawn(work.in_current_span()).await.unwrap();
        http::StatusCode::BAD_GATEWAY
    };
    let recorder = recorder();
    let caller = Caller::new();
    let router = Router::new().route("/", get(handler));
    let service = start(router.layer(TraceLayer::new())).await;
    let mut connection = Connection::open(&service).await;
    connection.request("GET /", &caller).await;
    assert_eq!(connection.answer().await.status, 502);
    let trace = recorder.trace(&caller.trace_id, 1).await;
    let span = &trace.spans[0];
    assert_eq!(span.error_type().as_deref(), Some("payment"));
    assert_eq!(span.status, Status::error("card expired"));
}

#[tokio::test]
async fn body_is_sent_in_current_span() {
    let handler = async || {
        axum::body::Body::from_stream(futures_util::stream::once(async {
            Span::current().set_attribute("streamed", true);
            count();
            Ok::<_, std::convert::Infallible>("part")
        }))
    };
    let recorder = recorder();
    let caller = Caller::new();
    let router = Router::new().route("/", get(handler));
    let service = start(router.layer(TraceLayer::new())).await;
    let mut connection = Connection::open(&service).await;
    connection.request("GET /", &caller).await;
    assert_eq!(connection.answer().await.status, 200);
    let trace = recorder.trace(&caller.trace_id, 2).await;
    assert_tree(&trace, "  INTERNAL count\n");
    assert_eq!(
        trace.span("GET /").attributes["streamed"],
        Value::from(true)
    );
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "in the current span")]
async fn idiom_in_task_of_this_crate_keeps_trace() {
    let nested = async || {
        tokio::spawn(step().in_current_span()).await.unwrap();
        let blocking = task::spawn_blocking(|| Span::current().in_scope(count));
        blocking.await.unwrap();
    };
    let in_trace = async {
        task::spawn(nested()).await.unwrap();
    };
    let (trace_id, ()) = recorder().in_trace("root", in_trace).await;
    let trace = recorder().trace(&trace_id, 3).await;
    let expected = "INTERNAL root\n  INTERNAL step\n  INTERNAL count\n";
    assert_eq!(trace.tree(), expected);

    let linked = task::in_linked_trace("batch", [], async {
        nested().await;
        span::trace_id().unwrap()
    });
    let trace_id = linked.await;
    let trace = recorder().trace(&trace_id, 3).await;
    let expected = "INTERNAL batch\n  INTERNAL step\n  INTERNAL count\n";
    assert_eq!(trace.tree(), expected);
}

#[tokio::test]
async fn task_drop_does_not_end_server_span() {
    let handler = async || {
        let work = pending::<()>().in_current_span();
        drop(work);
        Span::current().set_attribute("after", true);
    };
    let (_, trace) = traced(handler, 1).await;
    assert_eq!(trace.spans[0].attributes["after"], Value::from(true));
}
