//! The service that the tests of settings run as a child process, and the commands that it reads from standard input.

use std::{env, io, time::Duration};

use opentelemetry::{
    Array, KeyValue, global,
    trace::{Link, Span as _, SpanContext, Status, TraceFlags, TraceState, Tracer as _},
};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};
use shared::{
    server::TraceLayer,
    task,
    telemetry::{self, SpanCounts},
};

use tracing_subscriber::{layer::SubscriberExt as _, registry};

use crate::{
    errors,
    panicking_layer::PanicsInSend,
    support::{role, wire::Service},
};

/// Environment variable with the shutdown timeout of the service, in seconds.
pub(crate) const DEADLINE: &str = "SETTINGS_TEST_DEADLINE";
/// Environment variable that adds a `tracing` layer, which panics on events and spans of the exporter's thread.
pub(crate) const LAYER: &str = "SETTINGS_TEST_LAYER";
pub(crate) const ADDRESS: &str = "address=";
pub(crate) const COUNTS: &str = "counts=";

/// Runs the service in a child process. Does nothing in an ordinary test run.
#[test]
fn service() {
    if role().is_none() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let builder = telemetry::builder("from-code");
        let telemetry = match env::var_os(LAYER) {
            Some(_) => builder.init_on(registry().with(PanicsInSend)),
            None => builder.init(),
        };
        let telemetry = match telemetry {
            Ok(telemetry) => telemetry,
            Err(error) => {
                eprintln!("error: {error}");
                std::process::exit(1);
            }
        };
        let service = Service::start(TraceLayer::new()).await;
        println!("\n{ADDRESS}{}", service.address);
        task::spawn_blocking(run_commands).await.unwrap();
        record_span_with_two_of_everything();
        let spans = telemetry.shutdown(deadline()).await;
        println!("\n{COUNTS}{}", counts(&spans));
    });
}

/// Runs the commands on standard input, one per line, until standard input is closed.
fn run_commands() {
    for line in io::stdin().lines() {
        let line = line.unwrap();
        match line.split_once(' ') {
            Some(("spans", number)) => end_spans(number.parse().unwrap(), String::new),
            Some(("random", number)) => end_spans(number.parse().unwrap(), random),
            Some(("long", text)) => end_long_span(text),
            Some(("scopes", number)) => end_span_in_each_scope(number.parse().unwrap()),
            Some(("kept", _)) => end_span_with_its_thread(),
            Some(("failed", text)) => end_failed_span(text),
            Some(("errors", text)) => errors::record(text),
            Some(("wide", length)) => end_spans(1, || "x".repeat(length.parse().unwrap())),
            _ => {}
        }
        println!("\n{COUNTS}{}", counts(&telemetry::spans()));
    }
}

/// Ends this many spans, which are named `0`, `1` and so on.
fn end_spans(number: u64, value: impl Fn() -> String) {
    let tracer = global::tracer("settings");
    for number in 0..number {
        let mut span = tracer.start(number.to_string());
        span.set_attribute(KeyValue::new("value", value()));
    }
}

fn end_span_in_each_scope(number: u64) {
    for number in 0..number {
        let tracer = global::tracer(format!("scope {number}"));
        tracer.start("span").end();
    }
}

/// Ends a span that has this text in every text field.
fn end_long_span(text: &str) {
    let value = || KeyValue::new("value", text.to_owned());
    let list = Array::String(vec![text.to_owned().into()]);
    let tracer = global::tracer("settings");
    let mut span = tracer
        .span_builder("long")
        .with_attributes([
            value(),
            KeyValue::new("list", opentelemetry::Value::Array(list)),
        ])
        .with_links(vec![Link::new(other(), vec![value()], 0)])
        .start(&tracer);
    span.add_event(
        "exception",
        vec![
            KeyValue::new("exception.message", text.to_owned()),
            KeyValue::new("exception.stacktrace", text.to_owned()),
        ],
    );
}

thread_local! {
    static KEPT: std::cell::RefCell<Option<global::BoxedSpan>> = const { std::cell::RefCell::new(None) };
}

/// Ends one span on a thread, and one in the destructor of the first thread-local of the thread.
fn end_span_with_its_thread() {
    let thread = std::thread::Builder::new().spawn(|| {
        let tracer = global::tracer("settings");
        // `KEPT` is initialized before all other thread-locals, so it is dropped last.
        KEPT.set(Some(tracer.start("kept")));
        tracer.start("not kept").end();
    });
    thread.unwrap().join().unwrap();
}

/// Ends a span that failed with this error text.
fn end_failed_span(text: &str) {
    let tracer = global::tracer("settings");
    let mut span = tracer.start("failed");
    span.add_event(
        "exception",
        vec![KeyValue::new("exception.message", text.to_owned())],
    );
    span.set_status(Status::error(text.to_owned()));
}

/// Returns 4 kB of random hexadecimal digits.
fn random() -> String {
    let ids = RandomIdGenerator::default();
    (0..125).map(|_| ids.new_trace_id().to_string()).collect()
}

fn deadline() -> Duration {
    let seconds = env::var(DEADLINE).map_or(Ok(10), |seconds| seconds.parse());
    Duration::from_secs(seconds.unwrap())
}

fn counts(spans: &SpanCounts) -> String {
    serde_json::to_string(spans).unwrap()
}

/// Returns the context of a span of another process, for links.
fn other() -> SpanContext {
    let (trace_id, span_id) = (1.into(), 1.into());
    SpanContext::new(
        trace_id,
        span_id,
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    )
}

fn record_span_with_two_of_everything() {
    let two = || vec![KeyValue::new("one", 1), KeyValue::new("two", 2)];
    let tracer = global::tracer("settings");
    let mut span = tracer
        .span_builder("two of everything")
        .with_attributes(two())
        .with_links([(); 2].map(|()| Link::new(other(), two(), 0)).to_vec())
        .start(&tracer);
    span.add_event("first", two());
    span.add_event("second", two());
}
