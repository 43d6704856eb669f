//! Exports to a collector whose gRPC server accepts only small messages.

use crate::{
    grpc_collector::{Answer, Collector},
    process::DEADLINE,
};

const LIMIT: usize = 16 * 1024;

#[test]
fn batches_over_grpc_limit_are_split() {
    for compression in ["none", "gzip"] {
        let collector = Collector::answering(Answer::Limit(LIMIT));
        let mut process = collector.process(&[
            ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
            (DEADLINE, "60"),
        ]);
        process.end_random_spans(100);
        let said = process.stop();
        assert_eq!(said.spans, [101, 101, 0]);
        let exports = collector.exports();
        assert!(exports.iter().any(|export| !export.is_accepted));
        let accepted = exports.into_iter().filter(|export| export.is_accepted);
        let names: Vec<String> = accepted.flat_map(|export| export.names).collect();
        let numbers = (0..100).map(|number: u32| number.to_string());
        let expected: Vec<String> = numbers.chain(["two of everything".to_owned()]).collect();
        assert_eq!(names, expected, "each once, oldest first");
    }
}

#[test]
fn span_over_grpc_limit_is_too_large() {
    for (compression, text) in [
        ("none", "grpc: received message larger than max ("),
        (
            "gzip",
            "grpc: received message after decompression larger than max 16384",
        ),
    ] {
        let collector = Collector::answering(Answer::Limit(LIMIT));
        let mut process = collector.process(&[
            ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1048576"),
        ]);
        process.end_span_of(300_000);
        let dropped = process.log("spans dropped");
        assert_eq!(dropped["why"], "1 too_large");
        let reason = dropped["reason"].as_str().unwrap();
        assert!(reason.contains(text), "{reason}");
        let said = process.stop();
        assert_eq!(said.spans, [2, 1, 1]);
        assert_eq!(said.counts["lost"]["too_large"], 1);
    }
}
