//! Export over gRPC to a frozen collector: the operating system accepts its connections and data, but the process never
//! answers.

use crate::{
    grpc_collector::{Answer, Collector},
    process::{DEADLINE, Process},
    support::{Child, command, role},
};

const ADDRESS: &str = "address=";
const NAMES: &str = "names=";

/// Runs a collector that prints the span names of each export. Does nothing in an ordinary test run.
#[test]
fn collector() {
    if role().is_none() {
        return;
    }
    let collector = Collector::answering(Answer::Taken);
    println!("{ADDRESS}{}", collector.address);
    loop {
        println!("{NAMES}{}", collector.export().names.join(","));
    }
}

/// Returns the span names of all exports up to the one that contains the span `last`.
fn names_until(collector: &mut Child, last: &str) -> Vec<String> {
    let mut names = Vec::new();
    while !names.iter().any(|name| name == last) {
        let export = collector.find(|line| Some(line.strip_prefix(NAMES)?.to_owned()));
        let export = export.expect("the collector runs");
        names.extend(export.split(',').map(str::to_owned));
    }
    names
}

/// Stops all threads of the collector, and waits until they have stopped. Requires Linux, because the state of the
/// process is read from `/proc`.
fn freeze(collector: &Child) {
    collector.signal("-STOP");
    let status = format!("/proc/{}/status", collector.pid());
    while !std::fs::read_to_string(&status)
        .unwrap()
        .contains("State:\tT")
    {}
}

#[test]
fn frozen_collector_costs_one_batch_and_export_goes_on() {
    let mut collector = Child::start(&mut command("grpc_frozen::collector", "collector"));
    let address = collector.find(|line| Some(line.strip_prefix(ADDRESS)?.to_owned()));
    let mut process = Process::start(&[
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            &format!("http://{}", address.unwrap()),
        ),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        // HTTP/2 pings are sent after a third of this timeout.
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "3000"),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
        (DEADLINE, "60"),
    ]);
    process.end_spans(1);
    assert_eq!(names_until(&mut collector, "0"), ["0"]);
    while process.counts()["exported"] == 0 {}

    freeze(&collector);
    process.end_failed_span("sent while the collector is frozen");
    while process.counts()["lost"]["unconfirmed"] == 0 {}
    collector.signal("-CONT");

    process.end_long_span("sent after that");
    let names = names_until(&mut collector, "long");
    assert!(names.iter().filter(|name| *name == "failed").count() <= 2);
    let said = process.stop();
    assert_eq!(said.spans, [4, 3, 1]);
    let reasons = said.reasons();
    assert!(
        reasons
            .iter()
            .any(|reason| reason == "no answer to keep-alive pings"),
        "{reasons:?}"
    );
    let rest = names_until(&mut collector, "two of everything");
    let names = names.iter().chain(&rest);
    assert!(names.filter(|name| *name == "failed").count() <= 2);
}
