//! `OTEL_TRACES_SAMPLER`, `OTEL_BSP_*` and the limits of spans.

use std::collections::HashMap;

use opentelemetry_proto::tonic::{
    common::v1::{KeyValue, any_value},
    trace::v1::Span,
};

use crate::{
    process::{Process, Said},
    support::{collector::Collector, wire::line},
};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const NOT_SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

type Variables<'a> = &'a [(&'a str, &'a str)];

/// Returns the sampled flag of calls without a caller, with a sampled caller and with an unsampled one.
fn sampled(variables: Variables<'_>) -> ([bool; 3], Said) {
    let process = Process::start(&[&[("OTEL_TRACES_EXPORTER", "none")], variables].concat());
    let callers = [
        vec![],
        vec![line("traceparent", SAMPLED)],
        vec![line("traceparent", NOT_SAMPLED)],
    ];
    let flags = callers.map(|lines| {
        let [call, _] = process.forward(&lines).1;
        matches!(call.sent("traceparent").2.as_str(), "01" | "03")
    });
    (flags, process.stop())
}

#[test]
fn each_sampler_decides_for_roots_and_callers() {
    let (name, arg) = ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG");
    let rows: [(Variables<'_>, [bool; 3]); 11] = [
        (&[], [true, true, false]),
        (&[(name, " ")], [true, true, false]),
        (&[(name, "always_on")], [true, true, true]),
        (&[(name, "always_off")], [false, false, false]),
        (&[(name, "traceidratio")], [true, true, true]),
        (
            &[(name, "traceidratio"), (arg, " 0 ")],
            [false, false, false],
        ),
        (&[(name, "traceidratio"), (arg, "1.0")], [true, true, true]),
        (&[(name, " ParentBased_Always_On ")], [true, true, false]),
        (&[(name, "parentbased_always_off")], [false, true, false]),
        (
            &[(name, "parentbased_traceidratio"), (arg, "0.0")],
            [false, true, false],
        ),
        (
            &[(name, "parentbased_traceidratio"), (arg, "")],
            [true, true, false],
        ),
    ];
    for (variables, expected) in rows {
        let (flags, said) = sampled(variables);
        assert_eq!(flags, expected, "{variables:?}");
        assert_eq!(said.warnings(), [""; 0], "{variables:?}");
    }
}

#[test]
fn unknown_sampler_warns_and_uses_default() {
    let (name, arg) = ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG");
    for value in ["sometimes", "jaeger_remote", "parentbased_", "xray"] {
        let (flags, said) = sampled(&[(name, value)]);
        assert_eq!(flags, [true, true, false]);
        let expected = format!(
            "{name} is `{value}`, which cannot be used: expected always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio; using parentbased_always_on instead"
        );
        assert_eq!(said.warnings(), [expected]);
    }
    for value in ["half", "-0.1", "1.1", "NaN", "inf"] {
        let (flags, said) = sampled(&[(name, "parentbased_traceidratio"), (arg, value)]);
        assert_eq!(flags, [true, true, false]);
        let expected = format!(
            "{arg} is `{value}`, which cannot be used: expected a number from 0.0 to 1.0; using 1.0 instead"
        );
        assert_eq!(said.warnings(), [expected]);
    }
}

#[test]
fn spans_wait_for_schedule_delay() {
    let collector = Collector::start();
    let process = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_BSP_SCHEDULE_DELAY", " 20 "),
    ]);
    process.forward(&[]);
    assert!(
        !collector.export().spans().is_empty(),
        "while the service runs"
    );
    process.stop();

    let collector = Collector::start();
    let process = Process::start(&[(ENDPOINT, &collector.url())]);
    process.forward(&[]);
    assert!(
        collector.exports().is_empty(),
        "the default is five seconds"
    );
    process.stop();
}

#[test]
fn batch_is_filled_to_maximum() {
    let collector = Collector::start();
    let process = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", " 1 "),
    ]);
    process.forward(&[]);
    assert_eq!(process.stop().spans, [5, 5, 0]);
    let batches: Vec<usize> = collector
        .exports()
        .iter()
        .map(|export| export.spans().len())
        .collect();
    assert_eq!(batches, [1; 5]);
}

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
fn batch_is_not_larger_than_queue() {
    let collector = Collector::start();
    let said = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "101"),
    ])
    .stop();
    assert_eq!(
        said.warnings(),
        [
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE is `101`, which cannot be used: expected a whole number from 1 to 100; using 100 instead"
        ]
    );
}

#[test]
fn value_limit_truncates_attributes_and_stacks() {
    let long = || "é".repeat(20_000);
    for (variables, value, stack) in [
        (&[][..], 4096, 32 * 1024),
        // Two bytes per character.
        (&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "11")], 22, 22),
        (
            &[
                ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "11"),
                ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "50000"),
            ],
            long().len(),
            long().len(),
        ),
        (&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "0")], 0, 0),
    ] {
        let collector = Collector::start();
        let url = collector.url();
        let mut process = Process::start(&[&[(ENDPOINT, url.as_str())], variables].concat());
        process.end_long_span(&long());
        process.stop();
        let span = collector.spans().remove("long").unwrap();
        let text = |attributes: &[KeyValue], key: &str| {
            let attribute = attributes.iter().find(|attribute| attribute.key == key);
            match attribute
                .unwrap()
                .value
                .as_ref()
                .unwrap()
                .value
                .as_ref()
                .unwrap()
            {
                any_value::Value::StringValue(text) => text.clone(),
                any_value::Value::ArrayValue(array) => {
                    let Some(any_value::Value::StringValue(text)) = &array.values[0].value else {
                        panic!("an array of texts: {array:?}");
                    };
                    text.clone()
                }
                other => panic!("a text: {other:?}"),
            }
        };
        let event = &span.events[0].attributes;
        for (text, expected) in [
            (text(&span.attributes, "value"), value),
            (text(&span.attributes, "list"), value),
            (text(&span.links[0].attributes, "value"), value),
            (text(event, "exception.message"), value),
            (text(event, "exception.stacktrace"), stack),
        ] {
            assert_eq!(text.len(), expected, "{variables:?}");
            assert!(long().starts_with(&text));
        }
    }
}

#[test]
fn each_count_limit_drops_excess() {
    type Counted = fn(&Span) -> (usize, u32);
    let rows: [(&str, Counted); 5] = [
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", |span| {
            (span.attributes.len(), span.dropped_attributes_count)
        }),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", |span| {
            (span.events.len(), span.dropped_events_count)
        }),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", |span| {
            (span.links.len(), span.dropped_links_count)
        }),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", |span| {
            (
                span.events[0].attributes.len(),
                span.events[0].dropped_attributes_count,
            )
        }),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", |span| {
            (
                span.links[0].attributes.len(),
                span.links[0].dropped_attributes_count,
            )
        }),
    ];
    let span = |variables: Variables<'_>| {
        let collector = Collector::start();
        let url = collector.url();
        Process::start(&[&[(ENDPOINT, url.as_str())], variables].concat()).stop();
        let mut spans: HashMap<String, Span> = collector.spans();
        spans.remove("two of everything").unwrap()
    };
    for (variable, counted) in rows {
        assert_eq!(counted(&span(&[])), (2, 0), "{variable} is 128 by default");
        assert_eq!(counted(&span(&[(variable, " 1 ")])), (1, 1), "{variable}");
    }
}

#[test]
fn sampler_argument_alone_is_warned_of() {
    for sampler in ["", "always_on", "parentbased_always_off"] {
        let said = Process::start(&[
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_TRACES_SAMPLER", sampler),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ])
        .stop();
        assert_eq!(
            said.warnings(),
            [
                "OTEL_TRACES_SAMPLER_ARG has no effect: set OTEL_TRACES_SAMPLER to traceidratio or parentbased_traceidratio"
            ]
        );
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

#[test]
fn unusable_length_limit_falls_back_to_general() {
    let collector = Collector::start();
    let mut process = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "10"),
    ]);
    process.end_span_of(100_000);
    let said = process.stop();
    assert_eq!(
        said.warnings(),
        [
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT is `long`, which cannot be used: expected a whole number from 0 to 1048576; using 10 instead"
        ]
    );
    assert!(collector.export().body.len() < 10_000);
}
