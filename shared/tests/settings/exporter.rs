//! `OTEL_TRACES_EXPORTER`: export to a collector, to the console, or not at all.

use serde_json::Value;

use crate::{
    process::Process,
    support::{collector::Collector, wire::line},
};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[test]
fn exporter_none_creates_but_exports_nothing() {
    let collector = Collector::start();
    let process = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_TRACES_EXPORTER", " None "),
    ]);
    let (answer, calls) = process.forward(&[]);
    for call in calls {
        assert_eq!(call.sent("traceparent").0, answer.sent("traceresponse").0);
    }
    let said = process.stop();
    assert_eq!((said.exporter().as_str(), said.spans), ("none", [0, 0, 0]));
    assert!(collector.exports().is_empty());
}

#[test]
fn exporter_console_writes_spans() {
    let process = Process::start(&[("OTEL_TRACES_EXPORTER", "console")]);
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    process.forward(&[line("traceparent", traceparent)]);
    let said = process.stop();
    assert_eq!(
        (said.exporter().as_str(), said.spans),
        ("console", [5, 5, 0])
    );

    let spans = said
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).expect("a span is JSON"));
    let spans: Vec<Value> = spans.collect();
    let server = spans
        .iter()
        .find(|span| span["span"] == "GET /forward")
        .unwrap();
    assert_eq!(server["kind"], "server");
    assert_eq!(server["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(server["parent_span_id"], "00f067aa0ba902b7");
    assert_eq!(server["attributes"]["http.response.status_code"], 200);
    let other = spans
        .iter()
        .find(|span| span["span"] == "two of everything")
        .unwrap();
    assert_eq!(other["parent_span_id"], Value::Null);
    assert_eq!(other["events"][1]["name"], "second");
    assert_eq!(other["links"][0]["span_id"], "0000000000000001");

    let logs = said.stdout.lines().filter(|line| line.contains("trace_id"));
    assert!(
        logs.into_iter().all(|line| line.starts_with('{')),
        "standard output is the log's"
    );
}

#[test]
fn unknown_exporter_warns_and_uses_default() {
    let collector = Collector::start();
    let said = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
    ])
    .stop();
    let expected = "OTEL_TRACES_EXPORTER is `zipkin`, which cannot be used: expected otlp, console or none; using otlp instead";
    assert_eq!(said.warnings(), [expected]);
    collector.export();
}
