//! The idioms of `tracing` in a handler continue the trace, whatever levels are set for spans and for the log.

use std::collections::HashMap;

use axum::{Router, routing::get};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use shared::{
    propagation::inject, server::TraceLayer, telemetry,
    tracing_opentelemetry::OpenTelemetrySpanExt as _,
};
use tracing::{Instrument as _, Span};

use crate::{
    process::{Outcome, run, shut_down},
    support::{Caller, Connection, start},
};

/// Returns the `traceparent` that a call in the current context would send.
#[expect(clippy::unused_async, reason = "the idioms take a future")]
async fn call() -> String {
    tracing::info!("calling");
    let mut headers = HashMap::<String, String>::new();
    inject(&mut headers);
    headers
        .remove("traceparent")
        .unwrap_or_else(|| "none".to_owned())
}

/// A step of a handler with a `tracing` span. The levels that these tests set disable the span.
#[tracing::instrument]
async fn step() -> String {
    call().await
}

/// Uses every idiom. Returns the `traceparent` that each idiom passes on.
#[expect(clippy::disallowed_methods, reason = "in the current span")]
async fn use_idioms() -> [String; 6] {
    let span = Span::current();
    span.record("user.id", "ann");
    span.set_attribute("tenant", "north");
    let cx = span.context();
    let ids = cx.span().span_context().clone();
    let from_context = format!(
        "00-{}-{}-{:02x}",
        ids.trace_id(),
        ids.span_id(),
        ids.trace_flags()
    );
    let on_thread = std::thread::spawn(move || {
        span.in_scope(|| futures_util::FutureExt::now_or_never(call()).unwrap())
    });
    [
        tokio::spawn(call().in_current_span()).await.unwrap(),
        tokio::spawn(call().instrument(Span::current()))
            .await
            .unwrap(),
        tokio::spawn(call().instrument(Span::none().or_current()))
            .await
            .unwrap(),
        tokio::spawn(step().in_current_span()).await.unwrap(),
        on_thread.join().unwrap(),
        from_context,
    ]
}

async fn handler() -> String {
    use_idioms().await.join("\n")
}

#[tracing::instrument]
async fn instrumented_handler() -> String {
    handler().await
}

/// Sends a request to both handlers. For each idiom, prints the caller's trace id and the `traceparent` that the idiom
/// passes on.
async fn request_both() {
    let telemetry = telemetry::init("idioms").unwrap();
    let router = Router::new()
        .route("/bare", get(handler))
        .route("/instrumented", get(instrumented_handler));
    let service = start(router.layer(TraceLayer::new())).await;
    for path in ["/bare", "/instrumented"] {
        let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
        connection.request(&format!("GET {path}"), &caller).await;
        let answer = connection.answer().await;
        assert_eq!(answer.status, 200);
        for handed_on in answer.body.lines() {
            println!("{path} {} {handed_on}", caller.trace_id);
        }
    }
    service.shut_down().await;
    shut_down(telemetry).await;
}

/// Asserts that each idiom passed on the SERVER span, and that this span has the attributes that were set on the
/// current span.
#[track_caller]
fn assert_continued(outcome: &Outcome) {
    assert_eq!(outcome.names(), ["GET /bare", "GET /instrumented"]);
    for span in outcome.spans() {
        let path = span.name.strip_prefix("GET ").unwrap();
        let lines = outcome.lines();
        let handed_on = lines
            .iter()
            .filter_map(|line| line.strip_prefix(path)?.strip_prefix(' '));
        let handed_on: Vec<_> = handed_on.collect();
        assert_eq!(handed_on.len(), 6, "{lines:#?}");
        let trace_id = hex(&span.trace_id);
        let expected = format!("{trace_id} 00-{trace_id}-{}-01", hex(&span.span_id));
        for handed_on in handed_on {
            assert_eq!(handed_on, expected, "{path}");
        }
        let texts: HashMap<_, _> = span
            .attributes
            .into_iter()
            .map(|attribute| (attribute.key, attribute.value.unwrap().value.unwrap()))
            .collect();
        for (key, text) in [("user.id", "ann"), ("tenant", "north")] {
            assert_eq!(texts[key], Value::StringValue(text.into()), "{path}");
        }
    }
}

fn hex(id: &[u8]) -> String {
    use std::fmt::Write as _;
    id.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Asserts that each log line has the trace id of a request.
#[track_caller]
fn assert_logged(outcome: &Outcome) {
    let logs = outcome.logs_with("calling");
    assert_eq!(logs.len(), 10);
    for log in logs {
        let spans = outcome.spans();
        let trace_id = log["trace_id"].as_str().unwrap();
        assert!(spans.iter().any(|span| hex(&span.trace_id) == trace_id));
    }
}

#[test]
fn idioms_continue_trace_without_tracing_spans() {
    let variables = [("OTEL_RUST_SPAN_LEVEL", "off")];
    if let Some(outcome) = run(&variables, async || request_both().await) {
        assert_continued(&outcome);
        assert_logged(&outcome);
    }
}

#[test]
fn idioms_continue_trace_with_spans_from_warn() {
    let variables = [("OTEL_RUST_SPAN_LEVEL", "warn"), ("RUST_LOG", "trace")];
    if let Some(outcome) = run(&variables, async || request_both().await) {
        assert_continued(&outcome);
        assert_logged(&outcome);
    }
}

#[test]
fn idioms_continue_trace_without_log() {
    let variables = [("OTEL_RUST_SPAN_LEVEL", "off"), ("RUST_LOG", "off")];
    if let Some(outcome) = run(&variables, async || request_both().await) {
        assert_continued(&outcome);
        assert_eq!(outcome.logs_with("calling").len(), 0);
    }
}

/// A limitation that docs/settings.md describes: a `RUST_LOG` directive for a span enables spans that are not part of a
/// trace.
#[test]
fn spawn_in_span_of_log_directive_loses_trace() {
    let variables = [
        ("OTEL_RUST_SPAN_LEVEL", "warn"),
        ("RUST_LOG", "info,[step]=debug"),
    ];
    if let Some(outcome) = run(&variables, async || request_both().await) {
        let lines = outcome.lines();
        let lost = lines.iter().filter(|line| line.ends_with(" none"));
        let lost: Vec<_> = lost.collect();
        assert!(!lost.is_empty(), "{lines:#?}");
        for line in lost {
            assert!(line.starts_with("/instrumented "), "{line}");
        }
    }
}
