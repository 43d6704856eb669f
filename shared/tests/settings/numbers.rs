//! Numbers that are unusable, zero or out of range.

use crate::{process::Process, support::collector::Collector};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[test]
fn unusable_sizes_and_delays_warn() {
    let days = "0 to 86400000";
    for (variable, value, range, used) in [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "1 to 100000000", "no bound"),
        (
            "OTEL_BSP_MAX_QUEUE_SIZE",
            "many",
            "1 to 100000000",
            "no bound",
        ),
        (
            "OTEL_RUST_BSP_MAX_QUEUE_BYTES",
            "1048575",
            "1048576 to 68719476736",
            "33554432",
        ),
        (
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            "0",
            "1 to 100000000",
            "512",
        ),
        ("OTEL_BSP_SCHEDULE_DELAY", "5s", days, "5000"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "-1", days, "30000"),
        (
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "-1",
            "0 to 1048576",
            "4096",
        ),
        (
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            "-1",
            "0 to 100000",
            "128",
        ),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "few", "0 to 100000", "128"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "1.0", "0 to 100000", "128"),
        (
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
            "x",
            "0 to 100000",
            "128",
        ),
    ] {
        let collector = Collector::start();
        let said = Process::start(&[(ENDPOINT, &collector.url()), (variable, value)]).stop();
        let expected = format!(
            "{variable} is `{value}`, which cannot be used: expected a whole number from {range}; using {used} instead"
        );
        assert_eq!(said.warnings(), [expected]);
        assert_eq!(said.spans, [1, 1, 0]);
    }
}

#[test]
fn number_above_range_is_clamped() {
    let day = "86400000";
    for (variable, values, maximum) in [
        (
            "OTEL_BSP_MAX_QUEUE_SIZE",
            ["2147483647", "18446744073709551616"],
            "100000000",
        ),
        (
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            ["2147483647", "100000001"],
            "100000000",
        ),
        (
            "OTEL_RUST_BSP_MAX_QUEUE_BYTES",
            ["68719476737", "99999999999999999999"],
            "68719476736",
        ),
        ("OTEL_BSP_SCHEDULE_DELAY", ["2147483647", "86400001"], day),
        (
            "OTEL_BSP_EXPORT_TIMEOUT",
            ["2147483647", "9223372036854775807"],
            day,
        ),
        (
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            ["2147483647", "86400001"],
            day,
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
            ["2147483647", "86400001"],
            day,
        ),
        (
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            ["2147483647", "1048577"],
            "1048576",
        ),
        (
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            ["2147483647", "1048577"],
            "1048576",
        ),
        (
            "OTEL_ATTRIBUTE_COUNT_LIMIT",
            ["2147483647", "100001"],
            "100000",
        ),
        (
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            ["2147483647", "100001"],
            "100000",
        ),
        (
            "OTEL_SPAN_EVENT_COUNT_LIMIT",
            ["2147483647", "100001"],
            "100000",
        ),
        (
            "OTEL_SPAN_LINK_COUNT_LIMIT",
            ["2147483647", "100001"],
            "100000",
        ),
        (
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
            ["2147483647", "4294967296"],
            "100000",
        ),
        (
            "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
            ["2147483647", "4294967296"],
            "100000",
        ),
    ] {
        let minimum = match variable {
            "OTEL_RUST_BSP_MAX_QUEUE_BYTES" => "1048576",
            "OTEL_BSP_MAX_QUEUE_SIZE" | "OTEL_BSP_MAX_EXPORT_BATCH_SIZE" => "1",
            _ => "0",
        };
        for value in values {
            let collector = Collector::start();
            let said = Process::start(&[(ENDPOINT, &collector.url()), (variable, value)]).stop();
            let expected = format!(
                "{variable} is `{value}`, which cannot be used: expected a whole number from {minimum} to {maximum}; using {maximum} instead"
            );
            assert_eq!(said.warnings(), [expected]);
            assert_eq!(said.spans, [1, 1, 0]);
        }
    }
}

#[test]
fn clamped_length_limit_keeps_long_text() {
    let collector = Collector::start();
    let mut process = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "2147483647"),
    ]);
    process.end_span_of(100_000);
    process.stop();
    assert!(collector.export().body.len() > 100_000);
}

#[test]
fn zero_disables_timeouts_and_delay() {
    for variable in [
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "OTEL_BSP_EXPORT_TIMEOUT",
        "OTEL_BSP_SCHEDULE_DELAY",
    ] {
        let collector = Collector::start();
        let mut process = Process::start(&[
            (ENDPOINT, &collector.url()),
            ("OTEL_BSP_SCHEDULE_DELAY", "20"),
            (variable, "0"),
        ]);
        process.end_spans(1);
        collector.taken(1);
        let said = process.stop();
        assert_eq!(said.warnings(), [""; 0], "{variable}");
        assert_eq!(said.spans, [2, 2, 0]);
    }
}
