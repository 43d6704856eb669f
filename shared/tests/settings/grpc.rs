//! Exports spans over gRPC to a collector that gives each kind of answer.

use std::time::Duration;

use crate::{
    grpc_collector::{Answer, Collector, IN_THREE_SECONDS},
    process::{DEADLINE, Process},
};

#[test]
fn spans_headers_and_metadata_arrive() {
    for (compression, encoding) in [("none", None), ("gzip", Some("gzip"))] {
        let collector = Collector::answering(Answer::Taken);
        let process = collector.process(&[
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter%202"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
        ]);
        let said = process.stop();
        assert_eq!(said.spans, [1, 1, 0]);
        let export = collector.export();
        assert_eq!(
            export.path,
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        );
        assert_eq!(export.spans, 1);
        assert_eq!(export.headers["api-key"], "hunter 2");
        let sent = export
            .headers
            .get("grpc-encoding")
            .map(|value| value.to_str().unwrap());
        assert_eq!(sent, encoding);
        assert!(!said.all().contains("hunter"));
    }
}

#[test]
fn compressed_response_counts_as_exported() {
    for compression in ["gzip", "none"] {
        let collector = Collector::answering(Answer::Compressed(0));
        let said = collector
            .process(&[("OTEL_EXPORTER_OTLP_COMPRESSION", compression)])
            .stop();
        assert_eq!(said.spans, [1, 1, 0]);
        // The warning shows that the response was read: its partial success has a message, but no rejected spans.
        assert_eq!(said.warnings(), ["collector took spans with a warning"]);
    }
}

#[test]
fn compressed_partial_success_is_read() {
    let collector = Collector::answering(Answer::Compressed(1));
    let said = collector
        .process(&[("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")])
        .stop();
    assert_eq!(said.spans, [1, 0, 1]);
    assert_eq!(said.reasons(), ["it rejected them: too old"]);
}

#[test]
fn unreadable_response_counts_as_exported() {
    for encoding in ["zstd", "snappy"] {
        let collector = Collector::answering(Answer::Encoded(encoding));
        let said = collector.process(&[]).stop();
        assert_eq!(said.spans, [1, 1, 0]);
        assert_eq!(said.warnings(), [""; 0]);
    }
}

#[test]
fn malformed_status_details_are_ignored() {
    let collector = Collector::answering(Answer::Code(3, Some("//=!")));
    let said = collector.process(&[]).stop();
    assert_eq!(said.counts["lost"]["refused"], 1);
    assert_eq!(said.reasons(), ["it answered InvalidArgument: on purpose"]);
}

#[test]
fn bare_grpc_endpoint_uses_plaintext() {
    let collector = Collector::answering(Answer::Taken);
    let address = collector.address.to_string();
    let process = Process::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &address),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
    ]);
    let said = process.stop();
    assert_eq!(said.warnings(), [""; 0]);
    assert_eq!(said.spans, [1, 1, 0]);
}

#[test]
fn retryable_codes_are_retried() {
    // The gRPC codes Cancelled, DeadlineExceeded, Aborted, OutOfRange, Unavailable and DataLoss.
    for code in [1, 4, 10, 11, 14, 15] {
        let collector = Collector::answering(Answer::Code(code, None));
        let mut process = collector.process(&[]);
        process.end_spans(1);
        for _ in 0..2 {
            assert_eq!(collector.export().spans, 1, "code {code}");
        }
        collector.answer(Answer::Taken);
        process.log("collector available again");
        assert_eq!(process.stop().spans, [2, 2, 0]);
    }
}

#[test]
fn reset_stream_is_retried() {
    let collector = Collector::answering(Answer::Reset);
    let mut process = collector.process(&[]);
    process.end_spans(1);
    for _ in 0..2 {
        assert_eq!(collector.export().spans, 1);
    }
    collector.answer(Answer::Taken);
    process.log("collector available again");
    assert_eq!(process.stop().spans, [2, 2, 0]);
}

#[test]
fn other_codes_are_refusals() {
    // The gRPC codes Unknown, InvalidArgument, PermissionDenied, ResourceExhausted without a retry delay, Unimplemented
    // and Unauthenticated.
    for code in [2, 3, 7, 8, 12, 16] {
        let collector = Collector::answering(Answer::Code(code, None));
        let said = collector.process(&[]).stop();
        assert_eq!(said.spans, [1, 0, 1], "code {code}");
        assert_eq!(said.counts["lost"]["refused"], 1);
        let reason = &said.reasons()[0];
        assert!(reason.ends_with(": on purpose"), "{reason}");
    }
}

#[test]
fn resource_exhausted_is_retried_after_delay() {
    let collector = Collector::answering(Answer::Code(8, Some(IN_THREE_SECONDS)));
    let mut process = collector.process(&[]);
    process.end_spans(1);
    let asked = collector.export();
    collector.answer(Answer::Taken);
    let taken = collector.export();
    assert!(taken.arrived - asked.arrived >= Duration::from_millis(2_900));
    assert_eq!(process.stop().spans, [2, 2, 0]);
}

#[test]
fn partially_rejected_spans_are_counted() {
    let collector = Collector::answering(Answer::Rejected(1));
    let said = collector.process(&[]).stop();
    assert_eq!(said.spans, [1, 0, 1]);
    assert_eq!(said.reasons(), ["it rejected them: too old"]);
}

#[test]
fn missing_collector_is_logged_with_reason() {
    let process = Process::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        (DEADLINE, "1"),
    ]);
    let said = process.stop();
    assert_eq!(said.counts["lost"]["shutdown"], 1);
    let reason = &said.reasons()[0];
    assert!(reason.contains("Connection refused"), "{reason}");
}
