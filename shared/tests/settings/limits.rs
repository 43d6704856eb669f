//! Limits of the length and the number of attributes, events and links.

use std::collections::HashMap;

use opentelemetry_proto::tonic::{
    common::v1::{KeyValue, any_value},
    trace::v1::Span,
};

use crate::{process::Process, support::collector::Collector};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

type Variables<'a> = &'a [(&'a str, &'a str)];

#[test]
fn value_limit_truncates_attributes_and_stacks() {
    let long = || "é".repeat(20_000);
    for (variables, value, stack) in [
        (&[][..], 4096, 32 * 1024),
        // The character `é` has two bytes, so 11 characters are 22 bytes.
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
