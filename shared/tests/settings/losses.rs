//! Spans that do not arrive are counted and told of, once for every export.

use serde_json::Value;

use crate::{
    collector::{Answer, Collector},
    process::{Process, Said},
};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// What is said about exports, by whomever.
fn told(said: &Said) -> Vec<Value> {
    let is_trouble = |log: &Value| log["level"] == "WARN" || log["level"] == "ERROR";
    said.logs().into_iter().filter(is_trouble).collect()
}

#[test]
fn what_the_collector_takes_is_exported() {
    let collector = Collector::start();
    let process = Process::start(&[(ENDPOINT, &collector.url())]);
    process.forward(&[]);
    let said = process.stop();
    assert_eq!(said.spans, [5, 5, 0]);
    assert_eq!(told(&said), [Value::Null; 0]);
    assert_eq!(collector.export().spans().len(), 5);
}

#[test]
fn a_collector_that_is_not_there_is_told_of_once() {
    let process = Process::start(&[(ENDPOINT, "http://127.0.0.1:9")]);
    process.forward(&[]);
    let said = process.stop();
    assert_eq!(said.spans, [5, 0, 5]);
    let told = told(&said);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["message"], "spans are lost: the export failed");
    assert_eq!(
        told[0]["exporter"],
        "http/protobuf to http://127.0.0.1:9/v1/traces"
    );
    assert_eq!(told[0]["spans"], 5);
    let error = told[0]["error"].as_str().unwrap();
    assert!(error.contains("network error"), "{error}");
}

#[test]
fn a_collector_that_refuses_is_told_of_with_its_status() {
    let collector = Collector::answering(Answer::Status(400));
    let said = Process::start(&[(ENDPOINT, &collector.url())]).stop();
    assert_eq!(said.spans, [1, 0, 1]);
    let told = told(&said);
    assert_eq!(told.len(), 1, "{told:?}");
    let error = told[0]["error"].as_str().unwrap();
    assert!(error.contains("400"), "{error}");
}

#[test]
fn what_the_collector_rejects_of_a_batch_is_lost() {
    let collector = Collector::answering(Answer::Rejected(2));
    let process = Process::start(&[(ENDPOINT, &collector.url()), ("RUST_LOG", "off")]);
    process.forward(&[]);
    assert_eq!(process.stop().spans, [5, 3, 2], "whatever the log shows");

    let said = Process::start(&[(ENDPOINT, &collector.url())]).stop();
    assert_eq!(said.spans, [1, 0, 1], "no more than were sent");
    let told = told(&said);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["rejected_spans"], &told[0]["error_message"]),
        (&2.into(), &"too old".into())
    );
}
