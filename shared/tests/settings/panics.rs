//! A `tracing` layer that panics inside each send does not affect the export.

use crate::{process::Process, service::LAYER, support::collector::Collector};

/// Ends spans one by one, and asserts that each is counted as exported and that no panic is reported.
fn export_twenty_spans(endpoint: &str, protocol: &str) {
    let mut process = Process::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
        (LAYER, "panics"),
    ]);
    for number in 1..=20 {
        process.end_spans(1);
        while process.counts()["exported"] != number {}
    }
    let said = process.stop();
    assert_eq!(said.spans, [21, 21, 0]);
    assert_eq!(said.logs_with("panicked"), Vec::<serde_json::Value>::new());
}

#[test]
fn layer_that_panics_in_send_changes_nothing() {
    let collector = Collector::start();
    export_twenty_spans(&collector.url(), "http/protobuf");
    let deliveries = collector.exports();
    let spans = deliveries.iter().map(|export| export.spans().len());
    assert_eq!(spans.sum::<usize>(), 21, "each is delivered once");
}

#[cfg(feature = "grpc")]
#[test]
fn layer_that_panics_in_grpc_send_changes_nothing() {
    use crate::grpc_collector::{Answer, Collector};
    let collector = Collector::answering(Answer::Taken);
    export_twenty_spans(&format!("http://{}", collector.address), "grpc");
    let deliveries = collector.exports();
    let spans = deliveries.iter().map(|export| export.spans);
    assert_eq!(spans.sum::<usize>(), 21, "each is delivered once");
}
