//! Collectors and proxies that misbehave: they are slow or silent, limit sizes, or never accept some batches.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    process::{DEADLINE, Process, Said, number},
    support::collector::{Answer, Collector, Export},
};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
const UNAVAILABLE: &str = "collector unavailable, buffering spans";
const AVAILABLE: &str = "collector available again";
const REFUSES: &str = "collector refuses spans";

/// Starts a service that exports without delay.
fn process(url: &str, more: &[(&str, &str)]) -> Process {
    let always = [(ENDPOINT, url), ("OTEL_BSP_SCHEDULE_DELAY", "20")];
    Process::start(&[&always, more].concat())
}

/// Waits until the span counters meet a condition, and returns the counters.
fn wait_for(process: &mut Process, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        let counts = process.counts();
        if wanted(&counts) {
            return counts;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Counts how often each span arrived at the collector.
fn deliveries(exports: &[Export]) -> HashMap<Vec<u8>, u32> {
    let mut deliveries = HashMap::new();
    for span in exports.iter().flat_map(Export::spans) {
        *deliveries.entry(span.span_id).or_default() += 1;
    }
    deliveries
}

#[test]
fn slow_collector_gets_every_batch_at_most_twice() {
    let collector = Collector::answering(Answer::Slow(600));
    let mut process = process(&collector.url(), &[(TIMEOUT, "300"), (DEADLINE, "60")]);
    for _ in 0..5 {
        process.end_spans(10);
        wait_for(&mut process, |counts| counts["waiting"] == 0);
    }
    let said = process.stop();
    let unconfirmed = number(&said.counts["lost"]["unconfirmed"]);
    assert_eq!(number(&said.counts["exported"]) + unconfirmed, 51);
    // The export timeout grows while the collector is slow, so batches stay unconfirmed only on a busy machine.
    assert!(unconfirmed <= 20, "{}", said.counts);
    let deliveries = deliveries(&collector.exports());
    assert_eq!(deliveries.len(), 51);
    assert!(deliveries.values().all(|times| *times <= 2));
}

#[test]
fn silent_collector_gets_every_batch_at_most_twice() {
    let collector = Collector::answering(Answer::Silence);
    let mut process = process(&collector.url(), &[(TIMEOUT, "100")]);
    process.end_spans(2);
    wait_for(&mut process, |counts| counts["lost"]["unconfirmed"] == 2);
    let dropped = process.log("spans dropped");
    assert_eq!(dropped["why"], "2 unconfirmed");
    let reason = dropped["reason"].as_str().unwrap();
    assert!(reason.starts_with("no answer within"), "{reason}");
    let exports = collector.exports();
    assert_eq!(exports.len(), 2);
    assert!(deliveries(&exports).values().all(|times| *times == 2));
    collector.answer(Answer::Taken);
    process.end_spans(3);
    assert_eq!(process.stop().spans, [6, 4, 2]);
}

#[test]
fn requests_pass_limit_of_one_mebibyte() {
    let collector = Collector::answering(Answer::Limit(1024 * 1024));
    let resource = format!("key={}", "x".repeat(2_500));
    let variables = [("OTEL_RESOURCE_ATTRIBUTES", &*resource), (DEADLINE, "60")];
    let mut process = process(&collector.url(), &variables);
    process.end_random_spans(1_500);
    assert_eq!(process.stop().spans, [1_501, 1_501, 0]);
    let exports = collector.exports();
    assert!(exports.iter().all(|export| export.answer == Answer::Taken));
}

#[test]
fn too_large_batches_are_split_to_single_spans() {
    for compression in ["none", "gzip"] {
        let collector = Collector::answering(Answer::Limit(16 * 1024));
        let variables = [
            ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1048576"),
            (DEADLINE, "60"),
        ];
        let mut process = process(&collector.url(), &variables);
        process.end_random_spans(100);
        wait_for(&mut process, |counts| counts["exported"] == 100);
        let taken = collector.taken(100);
        let taken = taken.iter().filter(|export| export.answer == Answer::Taken);
        let names: Vec<String> = taken
            .flat_map(Export::spans)
            .map(|span| span.name)
            .collect();
        let all: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        assert_eq!(names, all, "oldest first");
        assert_eq!(process.stop().spans, [101, 101, 0]);
    }
}

#[test]
fn span_over_limit_of_collector_is_too_large() {
    let collector = Collector::answering(Answer::Limit(64 * 1024));
    let variables = [("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1048576")];
    let mut process = process(&collector.url(), &variables);
    process.end_span_of(300_000);
    let dropped = process.log("spans dropped");
    assert_eq!(dropped["why"], "1 too_large");
    let reason = dropped["reason"].as_str().unwrap();
    assert!(reason.contains("413"), "{reason}");
    let said = process.stop();
    assert_eq!(said.spans, [2, 1, 1]);
    assert_eq!(said.counts["lost"]["too_large"], 1);
}

#[test]
fn batch_always_answered_503_is_given_up_after_others() {
    is_given_up_after_others(Answer::Poison(503), Answer::Status(503));
}

#[test]
fn batch_that_always_breaks_connection_is_given_up() {
    is_given_up_after_others(Answer::PoisonHangUp, Answer::HangUp);
}

#[test]
fn batch_that_always_resets_connection_is_given_up() {
    let said = is_given_up_after_others(Answer::PoisonReset, Answer::Reset);
    let reasons = said.reasons();
    assert!(
        reasons
            .iter()
            .any(|reason| reason.contains("reset by peer")),
        "{reasons:?}"
    );
}

/// Asserts that a batch is dropped if the collector answers only this batch with `bad`, and accepts all others.
fn is_given_up_after_others(answers: Answer, bad: Answer) -> Said {
    let collector = Collector::answering(answers);
    let mut process = process(&collector.url(), &[]);
    process.end_failed_span("poison");
    collector.export();
    let mut others = 0;
    wait_for(&mut process, |counts| counts["waiting"] == 1);
    while process.counts()["lost"]["export_failed"] == 0 {
        process.end_spans(1);
        others += 1;
        wait_for(&mut process, |counts| counts["exported"] == others);
    }
    let said = process.stop();
    assert_eq!(said.spans, [others + 2, others + 1, 1]);
    assert_eq!(said.counts["lost"]["export_failed"], 1);
    let attempts = collector.exports();
    let attempts = attempts.iter().filter(|export| export.answer == bad);
    let attempts: Vec<Instant> = attempts.map(|export| export.arrived).collect();
    let pauses: Vec<Duration> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!((8..25).contains(&attempts.len()), "{pauses:?}");
    assert!(
        pauses.iter().sum::<Duration>() > Duration::from_secs(10),
        "{pauses:?}"
    );
    said
}

#[test]
fn refusing_collector_is_not_available_again() {
    let collector = Collector::answering(Answer::Status(503));
    let variables = [("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")];
    let mut process = process(&collector.url(), &variables);
    process.end_spans(5);
    process.log(UNAVAILABLE);
    collector.answer(Answer::Status(401));
    let refuses = process.log(REFUSES);
    let reason = refuses["reason"].as_str().unwrap();
    assert!(reason.contains("401"), "{reason}");
    wait_for(&mut process, |counts| counts["lost"]["refused"] == 5);
    collector.answer(Answer::Taken);
    process.end_spans(1);
    process.log(AVAILABLE);
    let said = process.stop();
    assert_eq!(said.spans, [7, 2, 5]);
    let logs = said.logs();
    assert!(logs.iter().all(|log| log["message"] != AVAILABLE));
    assert!(
        logs.iter().all(|log| log["message"] != REFUSES),
        "logged once"
    );
}

#[test]
fn outage_ends_when_backlog_shrinks() {
    let collector = Collector::answering(Answer::Status(503));
    let variables = [("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"), (DEADLINE, "60")];
    let mut process = process(&collector.url(), &variables);
    process.end_spans(100);
    process.log(UNAVAILABLE);
    for round in 1..=4 {
        collector.answer(Answer::Once);
        wait_for(&mut process, |counts| counts["exported"] == round * 10);
        process.end_spans(20);
        // Waits until the collector answers the batch after the accepted one with 503.
        while collector.export().answer != Answer::Status(503) {}
    }
    collector.answer(Answer::Taken);
    let over = process.log(AVAILABLE);
    assert!(number(&over["spans.waiting"]) <= 80, "{over}");
    let said = process.stop();
    assert_eq!(said.spans, [181, 181, 0]);
    for log in said.logs() {
        assert!(
            log["message"] != AVAILABLE && log["message"] != UNAVAILABLE,
            "{log}"
        );
    }
}

#[test]
fn many_scopes_fit_small_queue() {
    let collector = Collector::answering(Answer::Status(503));
    let variables = [("OTEL_RUST_BSP_MAX_QUEUE_BYTES", "1048576")];
    let mut process = process(&collector.url(), &variables);
    let counts = process.end_span_in_each_scope(40);
    assert_eq!(counts["lost"]["queue_full"], 0);
    collector.answer(Answer::Taken);
    assert_eq!(process.stop().spans, [41, 41, 0]);
}
