//! The SDK's own: `OTEL_TRACES_SAMPLER`, `OTEL_BSP_*`, and the limits.

use std::collections::HashMap;

use opentelemetry_proto::tonic::trace::v1::Span;

use crate::{
    collector::Collector,
    process::{Process, Said},
    wire::line,
};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const NOT_SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

type Variables<'a> = &'a [(&'a str, &'a str)];

/// The sampled flag that calls carry, for a root, a sampled caller and one that is not.
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
fn each_sampler_decides_for_roots_and_for_callers() {
    let (name, arg) = ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG");
    let rows: [(Variables<'_>, [bool; 3]); 12] = [
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
        (
            &[(name, "always_on"), (arg, "of no use")],
            [true, true, true],
        ),
    ];
    for (variables, expected) in rows {
        let (flags, said) = sampled(variables);
        assert_eq!(flags, expected, "{variables:?}");
        assert_eq!(said.warnings(), [""; 0], "{variables:?}");
    }
}

#[test]
fn an_unknown_sampler_or_ratio_is_replaced_with_a_warning() {
    let (name, arg) = ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG");
    for value in ["sometimes", "jaeger_remote", "parentbased_", "xray"] {
        let (flags, said) = sampled(&[(name, value)]);
        assert_eq!(flags, [true, true, false]);
        let expected = format!(
            "{name} is `{value}`, which cannot be used here: using parentbased_always_on instead"
        );
        assert_eq!(said.warnings(), [expected]);
    }
    for value in ["half", "-0.1", "1.1", "NaN", "inf"] {
        let (flags, said) = sampled(&[(name, "parentbased_traceidratio"), (arg, value)]);
        assert_eq!(flags, [true, true, false]);
        let expected = format!("{arg} is `{value}`, which cannot be used here: using 1.0 instead");
        assert_eq!(said.warnings(), [expected]);
    }
}

#[test]
fn spans_wait_for_the_schedule_delay() {
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
fn a_batch_is_as_large_as_it_may_be() {
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
fn what_the_queue_cannot_hold_is_lost() {
    let collector = Collector::answering(crate::collector::Answer::Silence);
    let process = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", " 1 "),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
    ]);
    for _ in 0..3 {
        process.forward(&[]);
    }
    let said = process.stop();
    assert_eq!(said.spans, [13, 0, 13]);
    let full = said
        .logs()
        .into_iter()
        .filter(|log| log["name"] == "BatchSpanProcessor.SpanDroppingStarted");
    assert_eq!(full.count(), 1);
}

#[test]
fn sizes_and_delays_that_cannot_be_used_are_replaced_with_a_warning() {
    for (variable, value, used) in [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "2048"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many", "2048"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0", "512"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2049", "512"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0", "5000"),
        ("OTEL_BSP_SCHEDULE_DELAY", "5s", "5000"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-1", "128"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "few", "128"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "1.0", "128"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "x", "128"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "x", "128"),
    ] {
        let collector = Collector::start();
        let said = Process::start(&[(ENDPOINT, &collector.url()), (variable, value)]).stop();
        let expected =
            format!("{variable} is `{value}`, which cannot be used here: using {used} instead");
        assert_eq!(said.warnings(), [expected]);
        assert_eq!(said.spans, [1, 1, 0]);
    }
}

#[test]
fn each_limit_limits() {
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
