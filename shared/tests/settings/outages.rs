//! An outage of the collector drops no spans within the queue's limit, and is logged once.

use std::time::{Duration, Instant};

use crate::{
    process::{DEADLINE, Process},
    support::collector::{Answer, Collector, ReservedAddress},
};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const WAIT: &str = "collector unavailable, buffering spans";
const AGAIN: &str = "collector available again";

/// Starts a service that exports without delay.
fn process(url: &str, more: &[(&str, &str)]) -> Process {
    Process::start(&[&[(ENDPOINT, url), ("OTEL_BSP_SCHEDULE_DELAY", "20")], more].concat())
}

#[test]
fn late_collector_gets_spans_oldest_first() {
    let place = ReservedAddress::reserve();
    let mut process = process(&format!("http://{}", place.address), &[]);
    process.end_spans(3_000);
    let outage = process.log(WAIT);
    assert!(
        outage["reason"]
            .as_str()
            .unwrap()
            .contains("Connection refused"),
        "{outage}"
    );
    assert_eq!(process.counts()["waiting"], 3_000);

    let collector = place.collector();
    let back = Instant::now();
    let first = collector.export();
    // A collector that is available again must receive spans within two seconds. The rest of this limit is for a busy
    // machine.
    assert!(first.arrived - back < Duration::from_secs(5));
    let over = process.log(AGAIN);
    assert_eq!(over["spans.lost"], 0);
    let mut names: Vec<String> = first.spans().into_iter().map(|span| span.name).collect();
    while names.len() < 3_000 {
        names.extend(collector.export().spans().into_iter().map(|span| span.name));
    }
    let all: Vec<String> = (0..3_000).map(|number| number.to_string()).collect();
    assert_eq!(names, all);
    let said = process.stop();
    assert_eq!(said.spans, [3_001, 3_001, 0]);
    let outages = said.logs().into_iter().filter(|log| log["message"] == WAIT);
    assert_eq!(outages.count(), 0, "an outage is logged once");
}

#[test]
fn retryable_failures_are_retried_until_success() {
    for answer in [429, 502, 503, 504]
        .map(Answer::Status)
        .into_iter()
        .chain([Answer::HangUp])
    {
        let collector = Collector::answering(answer);
        let mut process = process(&collector.url(), &[]);
        process.end_spans(1);
        for _ in 0..3 {
            assert_eq!(collector.export().spans().len(), 1, "{answer:?}");
        }
        assert_eq!(process.counts()["waiting"], 1);
        collector.answer(Answer::Taken);
        process.log(AGAIN);
        assert_eq!(process.stop().spans, [2, 2, 0]);
    }
}

#[test]
fn no_request_precedes_retry_after() {
    let collector = Collector::answering(Answer::RetryAfter(3));
    let mut process = process(&collector.url(), &[]);
    process.end_spans(1);
    let asked = collector.export();
    collector.answer(Answer::Taken);
    let taken = collector.export();
    assert!(taken.arrived - asked.arrived >= Duration::from_millis(2_900));
    assert_eq!(process.stop().spans, [2, 2, 0]);
}

#[test]
fn zero_retry_after_still_backs_off() {
    let collector = Collector::answering(Answer::RetryAfter(0));
    let mut process = process(&collector.url(), &[]);
    process.end_spans(1);
    let first = collector.export();
    let fourth = [(); 3].map(|()| collector.export()).into_iter().next_back();
    // The delays before the three retries are at least 50, 100 and 200 ms.
    assert!(fourth.unwrap().arrived - first.arrived >= Duration::from_millis(300));
}

#[test]
fn shutdown_does_not_violate_retry_after() {
    let collector = Collector::answering(Answer::RetryAfter(3_600));
    let variables = [("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"), (DEADLINE, "5")];
    let mut process = process(&collector.url(), &variables);
    process.end_spans(50);
    assert_eq!(collector.export().spans().len(), 1);
    let said = process.stop();
    assert_eq!(said.counts["lost"]["shutdown"], 51);
    assert!(collector.exports().is_empty());
}

#[test]
fn accepted_batch_ignores_broken_answer_body() {
    let collector = Collector::answering(Answer::BreaksOff);
    let mut process = process(&collector.url(), &[]);
    process.end_spans(1);
    assert_eq!(collector.export().spans().len(), 1);
    let said = process.stop();
    assert_eq!(said.spans, [2, 2, 0]);
    assert_eq!(
        collector.exports().len(),
        1,
        "the last span, and none again"
    );
}

#[test]
fn one_attempt_that_fails_is_no_outage() {
    let collector = Collector::answering(Answer::HangUp);
    let mut process = process(&collector.url(), &[]);
    process.end_spans(1);
    collector.export();
    collector.answer(Answer::Taken);
    collector.taken(1);
    let said = process.stop();
    assert_eq!(said.spans, [2, 2, 0]);
    assert_eq!(said.reasons(), [""; 0]);
}

#[test]
fn paused_collector_costs_nothing() {
    let collector = Collector::answering(Answer::Silence);
    let mut process = process(&collector.url(), &[("OTEL_EXPORTER_OTLP_TIMEOUT", "100")]);
    process.end_spans(2);
    assert_eq!(collector.export().spans().len(), 2);
    collector.answer(Answer::Taken);
    assert_eq!(collector.taken(2).last().unwrap().spans().len(), 2);
    assert_eq!(process.stop().spans, [3, 3, 0]);
}

#[test]
fn counters_balance_in_every_state() {
    let collector = Collector::answering(Answer::Status(503));
    let mut process = process(&collector.url(), &[("OTEL_BSP_MAX_QUEUE_SIZE", "1000")]);
    for round in 0..20 {
        if round == 10 {
            collector.answer(Answer::Taken);
        }
        let counts = process.end_spans(150);
        let parts = [&counts["exported"], &counts["waiting"]].map(|count| count.as_u64().unwrap());
        let sum = parts[0] + parts[1] + crate::process::lost(&counts);
        assert_eq!(counts["ended"], sum, "{counts}");
    }
    let [ended, exported, lost] = process.stop().spans;
    assert_eq!(ended, 3_001);
    assert_eq!(exported + lost, 3_001);
    assert!(lost >= 500, "ten rounds of 150 do not fit into 1000");
}

#[test]
fn shutdown_waits_for_returning_collector() {
    let place = ReservedAddress::reserve();
    let mut process = process(&format!("http://{}", place.address), &[(DEADLINE, "60")]);
    process.end_spans(10);
    process.log(WAIT);
    let stopping = std::thread::scope(|scope| {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test's thread belongs to no trace"
        )]
        let stopping = scope.spawn(|| process.stop());
        let collector = place.collector();
        collector.taken(11);
        stopping.join().unwrap()
    });
    assert_eq!(stopping.spans, [11, 11, 0]);
}
