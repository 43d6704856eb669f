//! Dropped spans are counted by reason and logged once.

use serde_json::{Value, json};

use crate::{
    process::{DEADLINE, Process, Said},
    support::collector::{Answer, Collector},
};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Returns the warnings and errors in the log.
fn problems(said: &Said) -> Vec<Value> {
    let is_problem = |log: &Value| log["level"] == "WARN" || log["level"] == "ERROR";
    said.logs().into_iter().filter(is_problem).collect()
}

#[test]
fn accepted_spans_count_as_exported() {
    let collector = Collector::start();
    let process = Process::start(&[(ENDPOINT, &collector.url())]);
    process.forward(&[]);
    let said = process.stop();
    assert_eq!(said.spans, [5, 5, 0]);
    assert_eq!(problems(&said), [Value::Null; 0]);
    assert_eq!(collector.export().spans().len(), 5);
}

#[test]
fn missing_collector_is_logged_once() {
    // The log lines about an outage are written at every level of `RUST_LOG`.
    for level in ["info", "off", "checkout=debug"] {
        let process = Process::start(&[
            (ENDPOINT, "http://127.0.0.1:9"),
            (DEADLINE, "1"),
            ("RUST_LOG", level),
        ]);
        process.forward(&[]);
        let said = process.stop();
        assert_eq!(said.spans, [5, 0, 5]);
        assert_eq!(said.counts["lost"]["shutdown"], 5);
        let problems = problems(&said);
        assert_eq!(problems.len(), 2, "{problems:?}");
        for log in &problems {
            assert_eq!(
                log["exporter"],
                "http/protobuf to http://127.0.0.1:9/v1/traces"
            );
            let reason = log["reason"].as_str().unwrap();
            assert!(reason.contains("Connection refused"), "{reason}");
        }
        let [outage, loss] = &problems[..] else {
            unreachable!()
        };
        assert_eq!(outage["message"], "collector unavailable, buffering spans");
        assert_eq!(outage["spans.waiting"], 5);
        assert_eq!(loss["message"], "spans dropped");
        assert_eq!(loss["level"], "ERROR");
        assert_eq!(
            (&loss["spans"], &loss["why"]),
            (&json!(5), &json!("5 shutdown"))
        );
    }
}

#[test]
fn refusing_collector_is_logged_with_status() {
    for status in [400, 401, 404, 500, 501, 301, 308] {
        let collector = Collector::answering(Answer::Status(status));
        let said = Process::start(&[(ENDPOINT, &collector.url())]).stop();
        assert_eq!(said.spans, [1, 0, 1]);
        assert_eq!(said.counts["lost"]["refused"], 1);
        let problems = problems(&said);
        assert_eq!(problems.len(), 1, "{problems:?}");
        let reason = problems[0]["reason"].as_str().unwrap();
        assert!(reason.contains(&status.to_string()), "{reason}");
        assert_eq!(collector.exports().len(), 1, "not retried");
    }
}

#[test]
fn partially_rejected_spans_are_counted() {
    let collector = Collector::answering(Answer::Rejected(2));
    let process = Process::start(&[(ENDPOINT, &collector.url())]);
    process.forward(&[]);
    let said = process.stop();
    assert_eq!(said.spans, [5, 3, 2]);
    assert_eq!(said.counts["lost"]["refused"], 2);

    let said = Process::start(&[(ENDPOINT, &collector.url())]).stop();
    assert_eq!(said.spans, [1, 0, 1], "no more than were sent");
    let problems = problems(&said);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0]["reason"], "it rejected them: too old");
}

#[test]
fn collector_warning_is_logged() {
    let collector = Collector::answering(Answer::Rejected(0));
    let said = Process::start(&[(ENDPOINT, &collector.url())]).stop();
    assert_eq!(said.spans, [1, 1, 0]);
    let problems = problems(&said);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(
        problems[0]["message"],
        "collector took spans with a warning"
    );
}

#[test]
fn oversized_span_is_lost_alone() {
    let collector = Collector::start();
    let mut process = Process::start(&[
        (ENDPOINT, &collector.url()),
        // A batch has at most a quarter of the bytes of the queue, and the attribute value alone exceeds this.
        ("OTEL_RUST_BSP_MAX_QUEUE_BYTES", "1048576"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1048576"),
    ]);
    let counts = process.end_span_of(300_000);
    assert_eq!(counts["lost"]["too_large"], 1);
    let dropped = process.log("spans dropped");
    assert_eq!(dropped["why"], "1 too_large");
    assert_eq!(process.stop().spans, [2, 1, 1]);
}

#[test]
fn full_queue_drops_and_counts_newest() {
    let collector = Collector::answering(Answer::Status(503));
    let mut process = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "10"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2"),
    ]);
    let counts = process.end_spans(15);
    let expected = json!({
        "ended": 15, "exported": 0, "waiting": 10,
        "lost": { "queue_full": 5, "refused": 0, "export_failed": 0, "shutdown": 0, "too_large": 0, "unconfirmed": 0 },
    });
    assert_eq!(counts, expected);
    let mut dropped = 0;
    while dropped < 5 {
        let log = process.log("spans dropped");
        assert_eq!(log["level"], "ERROR");
        dropped += log["spans"].as_u64().unwrap();
    }
    assert_eq!(dropped, 5);
    collector.answer(Answer::Taken);
    let taken = collector.taken(10);
    let names = taken.iter().filter(|export| export.answer == Answer::Taken);
    let names: Vec<String> = names
        .flat_map(crate::support::collector::Export::spans)
        .map(|span| span.name)
        .collect();
    let first: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    assert_eq!(names, first, "oldest first");
    assert_eq!(process.stop().spans, [16, 11, 5]);
}

#[test]
fn queue_is_bounded_in_bytes() {
    let collector = Collector::answering(Answer::Silence);
    let mut process = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_RUST_BSP_MAX_QUEUE_BYTES", "1048576"),
        (DEADLINE, "1"),
    ]);
    // The attribute values of 4 kB are random, so that even compressed batches exceed the limit of the queue.
    let counts = process.end_random_spans(5_000);
    let [ended, waiting, full] = [
        &counts["ended"],
        &counts["waiting"],
        &counts["lost"]["queue_full"],
    ]
    .map(|count| count.as_u64().unwrap());
    assert_eq!(ended, 5_000);
    assert_eq!(waiting + full, 5_000);
    // A value of 4 kB of random hexadecimal digits has at least 2 kB when compressed.
    assert!((150..600).contains(&waiting), "{waiting}");
    let said = process.stop();
    assert_eq!(said.spans, [5_001, 0, 5_001]);
}

#[test]
fn span_ending_with_thread_is_exported() {
    let collector = Collector::start();
    let mut process = Process::start(&[(ENDPOINT, &collector.url())]);
    assert_eq!(process.end_span_with_its_thread()["ended"], 2);
    assert_eq!(process.stop().spans, [3, 3, 0]);
    assert!(collector.spans().contains_key("kept"));
}

#[test]
fn exported_error_texts_are_redacted() {
    let text = "no answer for url (http://ann:hunter2@shop/check?token=hunter2)";
    let collector = Collector::start();
    for exporter in ["otlp", "console"] {
        let variables = [
            (ENDPOINT, &*collector.url()),
            ("OTEL_TRACES_EXPORTER", exporter),
        ];
        let mut process = Process::start(&variables);
        process.end_failed_span(text);
        let said = process.stop();
        assert_eq!(said.spans, [2, 2, 0]);
        assert!(!said.stderr.contains("hunter2"), "{}", said.stderr);
        if exporter == "console" {
            assert_eq!(
                said.stderr
                    .matches("no answer for url (http://REDACTED")
                    .count(),
                2
            );
        }
    }
    let export = collector.export();
    let sent = String::from_utf8_lossy(&export.body);
    assert!(!sent.contains("hunter2"), "{sent}");
    assert_eq!(
        sent.matches("no answer for url (http://REDACTED").count(),
        2
    );
}
