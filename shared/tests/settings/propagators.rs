//! `OTEL_PROPAGATORS` and `OTEL_SDK_DISABLED`: the headers that a service reads and sends.

use std::collections::BTreeMap;

use crate::{
    process::Process,
    support::{
        collector::{Collector, Export},
        wire::{Message, line},
    },
};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN_ID: &str = "00f067aa0ba902b7";
const FIELDS: [&str; 7] = [
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-sampled",
];

/// Returns the headers of a caller with trace context and baggage.
fn caller() -> Vec<Vec<u8>> {
    vec![
        line("traceparent", format!("00-{TRACE_ID}-{SPAN_ID}-01")),
        line("tracestate", "foo=1"),
        line("baggage", "tenant=acme"),
    ]
}

fn b3(trace_id: &str) -> Vec<u8> {
    line("b3", format!("{trace_id}-{SPAN_ID}-1"))
}

fn b3multi(trace_id: &str) -> Vec<Vec<u8>> {
    vec![
        line("X-B3-TraceId", trace_id),
        line("X-B3-SpanId", SPAN_ID),
        line("X-B3-Sampled", "1"),
    ]
}

/// Returns the names of the propagation headers of a call.
fn sent(call: &Message) -> Vec<&'static str> {
    let is_sent = |field: &&str| call.header(field).is_some();
    FIELDS.into_iter().filter(is_sent).collect()
}

fn start(propagators: &str) -> Process {
    Process::start(&[
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_PROPAGATORS", propagators),
    ])
}

#[test]
fn each_propagator_writes_its_headers() {
    let rows: [(&str, &[&str]); 8] = [
        ("", &["traceparent", "tracestate", "baggage"]),
        ("tracecontext", &["traceparent", "tracestate"]),
        ("baggage", &["baggage"]),
        ("b3", &["b3"]),
        ("b3multi", &["x-b3-traceid", "x-b3-spanid", "x-b3-sampled"]),
        ("none", &[]),
        (
            " TraceContext , baggage,,baggage ",
            &["traceparent", "tracestate", "baggage"],
        ),
        ("tracecontext,b3", &["traceparent", "tracestate", "b3"]),
    ];
    for (propagators, fields) in rows {
        let process = start(propagators);
        for call in process.forward(&caller()).1 {
            assert_eq!(sent(&call), fields, "{propagators}");
        }
        assert_eq!(process.stop().warnings(), [""; 0], "{propagators}");
    }
}

#[test]
fn b3_reads_both_forms_and_writes_one() {
    for (propagators, incoming) in [
        ("b3", vec![b3(TRACE_ID)]),
        ("b3", b3multi(TRACE_ID)),
        ("b3multi", vec![b3(TRACE_ID)]),
        ("b3multi", b3multi(TRACE_ID)),
    ] {
        let process = start(propagators);
        let (answer, calls) = process.forward(&incoming);
        assert_eq!(answer.sent("traceresponse").0, TRACE_ID);
        for call in calls {
            let (trace_id, span_id, sampled) = match call.header("b3") {
                Some(b3) => {
                    let fields: Vec<&str> = b3.split('-').collect();
                    (fields[0], fields[1], fields[2])
                }
                None => (
                    call.header("x-b3-traceid").unwrap(),
                    call.header("x-b3-spanid").unwrap(),
                    call.header("x-b3-sampled").unwrap(),
                ),
            };
            assert_eq!((trace_id, sampled), (TRACE_ID, "1"));
            assert_ne!(span_id, SPAN_ID);
        }
    }
}

#[test]
fn w3c_and_b3_translate_into_each_other() {
    let process = start("tracecontext,b3");
    let w3c = vec![line("traceparent", format!("00-{TRACE_ID}-{SPAN_ID}-03"))];
    for incoming in [w3c, vec![b3(TRACE_ID)]] {
        for call in process.forward(&incoming).1 {
            let (trace_id, span_id, _) = call.sent("traceparent");
            assert_eq!(trace_id, TRACE_ID);
            assert_eq!(
                call.header("b3"),
                Some(format!("{trace_id}-{span_id}-1").as_str())
            );
        }
    }
}

#[test]
fn unknown_propagator_warning_names_replacement() {
    for (propagators, unknown, used) in [
        ("jaeger", "jaeger", "tracecontext,baggage"),
        ("tracecontext,jaeger", "jaeger", "tracecontext"),
        ("Xray,b3", "Xray", "b3"),
        ("ottrace,none", "ottrace", "none"),
    ] {
        let process = start(propagators);
        let fields: &[&str] = match used {
            "tracecontext,baggage" => &["traceparent", "tracestate", "baggage"],
            "tracecontext" => &["traceparent", "tracestate"],
            "b3" => &["b3"],
            _ => &[],
        };
        for call in process.forward(&caller()).1 {
            assert_eq!(sent(&call), fields, "{propagators}");
        }
        let expected = format!(
            "OTEL_PROPAGATORS is `{unknown}`, which cannot be used: expected tracecontext, baggage, b3, b3multi or none; using {used} instead"
        );
        assert_eq!(process.stop().warnings(), [expected]);
    }
}

#[test]
fn none_beside_others_is_warned_of() {
    for (propagators, used, fields) in [
        ("none,b3", "b3", &["b3"][..]),
        (
            "TraceContext, None,b3",
            "tracecontext,b3",
            &["traceparent", "tracestate", "b3"],
        ),
    ] {
        let process = start(propagators);
        for call in process.forward(&caller()).1 {
            assert_eq!(sent(&call), fields, "{propagators}");
        }
        let expected = format!(
            "OTEL_PROPAGATORS is `{propagators}`, which cannot be used: expected none alone, or a list without it; using {used} instead"
        );
        assert_eq!(process.stop().warnings(), [expected]);
    }
    let process = start("none,none");
    assert_eq!(process.stop().warnings(), [""; 0]);
}

#[test]
fn disabled_sdk_propagates_callers_context() {
    let process = Process::start(&[("OTEL_SDK_DISABLED", " True ")]);
    for flags in ["00", "01", "02", "03"] {
        let traceparent = format!("00-{TRACE_ID}-{SPAN_ID}-{flags}");
        let state = "foo@bar@baz=1 , congo=t61rcWkgMzE";
        let lines = [
            line("traceparent", &traceparent),
            line("tracestate", state),
            line("baggage", "tenant=acme;secure"),
        ];
        for call in process.forward(&lines).1 {
            assert_eq!(call.header("traceparent"), Some(traceparent.as_str()));
            assert_eq!(call.header("tracestate"), Some(state));
            assert_eq!(call.header("baggage"), Some("tenant=acme;secure"));
        }
    }
    for call in process.forward(&[]).1 {
        assert_eq!(sent(&call), [""; 0], "no context without a caller");
    }
    let said = process.stop();
    assert_eq!(
        (said.exporter().as_str(), said.spans),
        ("none: OTEL_SDK_DISABLED", [0, 0, 0])
    );
    assert_eq!(said.warnings(), [""; 0]);
}

#[test]
fn disabled_sdk_propagates_b3_unchanged() {
    let process = Process::start(&[("OTEL_SDK_DISABLED", "true"), ("OTEL_PROPAGATORS", "b3")]);
    for rest in ["", "-0", "-1", "-d"] {
        let b3 = format!("{TRACE_ID}-{SPAN_ID}{rest}");
        for call in process.forward(&[line("b3", &b3)]).1 {
            assert_eq!(call.header("b3"), Some(b3.as_str()));
        }
    }
}

#[test]
fn only_true_disables_sdk() {
    for value in ["false", "FALSE", "", "yes", "1"] {
        let process = Process::start(&[
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_SDK_DISABLED", value),
        ]);
        for call in process.forward(&[]).1 {
            call.sent("traceparent");
        }
        let warning = format!(
            "OTEL_SDK_DISABLED is `{value}`, which cannot be used: expected true or false; using false instead"
        );
        let expected: &[String] = if matches!(value, "yes" | "1") {
            &[warning]
        } else {
            &[]
        };
        assert_eq!(process.stop().warnings(), expected);
    }
}

#[test]
fn level_2_trace_state_is_exported() {
    let collector = Collector::start();
    let process = Process::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
    let traceparent = format!("00-{TRACE_ID}-{SPAN_ID}-01");
    for state in ["a@b@c=1", "foo@bar@baz=1 , congo=t61rcWkgMzE", "congo=1"] {
        let lines = [line("traceparent", &traceparent), line("tracestate", state)];
        for call in process.forward(&lines).1 {
            assert_eq!(call.header("tracestate"), Some(state));
        }
    }
    process.forward(&[line("traceparent", &traceparent)]);
    process.stop();
    let exports = collector.exports();
    let trace_id = u128::from_str_radix(TRACE_ID, 16).unwrap().to_be_bytes();
    let spans = exports
        .iter()
        .flat_map(Export::spans)
        .filter(|span| span.trace_id == trace_id);
    // Each request has four spans: a server span, the span of its handler, and two client spans.
    let mut found = BTreeMap::new();
    for span in spans {
        *found.entry(span.trace_state).or_insert(0) += 1;
    }
    let expected = [
        ("", 4),
        ("a@b@c=1", 4),
        ("congo=1", 4),
        ("foo@bar@baz=1 , congo=t61rcWkgMzE", 4),
    ]
    .map(|(state, spans)| (state.to_owned(), spans));
    assert_eq!(found, expected.into());
}
