//! Spans that are not recorded or not exported: they change neither propagation nor log lines.

use std::collections::{HashMap, HashSet};

use opentelemetry::TraceId;
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::{
    process::Process,
    support::{
        collector::{Collector, Export},
        wire::{Message, line},
    },
};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn caller(flags: &str) -> Vec<Vec<u8>> {
    vec![line(
        "traceparent",
        format!("00-{TRACE_ID}-{CALLER}-{flags}"),
    )]
}

/// Returns the trace id, span id and flags of the response's `traceresponse` and of the call's `traceparent`.
fn ids(answer: &Message, call: &Message) -> [(String, String, String); 2] {
    [answer.sent("traceresponse"), call.sent("traceparent")]
}

#[test]
fn sampler_decides_roots_consistently() {
    const TRACES: usize = 60;
    let collector = Collector::start();
    let process = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
    ]);
    let mut sampled = HashSet::new();
    let mut all = HashSet::new();
    for _ in 0..TRACES {
        let (answer, [call, _]) = process.forward(&[]);
        let [of_answer, of_call] = ids(&answer, &call);
        assert_eq!(of_answer.0, of_call.0, "one trace");
        assert_ne!(of_answer.1, of_call.1, "a separate span for the call");
        assert_eq!(of_answer.2, of_call.2, "the flags of one decision");
        all.insert(of_answer.0.clone());
        if of_answer.2 == "03" {
            sampled.insert(of_answer.0);
        }
    }
    assert_eq!(all.len(), TRACES, "trace ids are unique");
    // A correct sampler fails this assertion once in ten million runs.
    assert!((10..=50).contains(&sampled.len()), "{}", sampled.len());
    process.stop();

    let mut exported: HashMap<String, Vec<Span>> = HashMap::new();
    for span in collector.exports().iter().flat_map(Export::spans) {
        let id = TraceId::from_bytes(span.trace_id.as_slice().try_into().unwrap());
        let id = id.to_string();
        exported.entry(id).or_default().push(span);
    }
    for id in &all {
        let names = exported.get(id).map(|spans| {
            let mut names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
            names.sort_unstable();
            names
        });
        let expected = sampled
            .contains(id)
            .then(|| vec!["GET", "GET", "GET /forward", "place_order"]);
        assert_eq!(names, expected);
    }
    let http = exported
        .values()
        .flatten()
        .filter(|span| span.name.starts_with("GET"));
    assert!(http.clone().all(|span| span.attributes.len() > 5));
}

#[test]
fn unsampled_request_has_own_ids() {
    for level in ["info", "off"] {
        let collector = Collector::start();
        let process = Process::start(&[(ENDPOINT, &collector.url()), ("RUST_LOG", level)]);
        let mut sent = caller("00");
        sent.push(line("tracestate", "vendor=a;b, other=1"));
        let (answer, [call, _]) = process.forward(&sent);
        assert_eq!(call.header("tracestate"), Some("vendor=a;b, other=1"));
        let [of_answer, of_call] = ids(&answer, &call);
        for (trace_id, span_id, flags) in [&of_answer, &of_call] {
            assert_eq!((trace_id.as_str(), flags.as_str()), (TRACE_ID, "00"));
            assert_ne!(span_id, CALLER);
        }
        assert_ne!(of_answer.1, of_call.1);
        // The only exported span is the one that the service records when it stops.
        assert_eq!(process.stop().spans, [1, 1, 0]);
    }
}

#[test]
fn disabled_spans_propagate_callers_ids() {
    for level in ["info", "off"] {
        let process = Process::start(&[("OTEL_SDK_DISABLED", "true"), ("RUST_LOG", level)]);
        let (answer, [call, _]) = process.forward(&caller("03"));
        let expected = (TRACE_ID.to_owned(), CALLER.to_owned(), "03".to_owned());
        assert_eq!(ids(&answer, &call), [expected.clone(), expected]);
        let (answer, [call, _]) = process.forward(&[]);
        assert_eq!(answer.header("traceresponse"), None);
        assert_eq!(call.header("traceparent"), None);
        process.stop();
    }
}

#[test]
fn spans_without_exporter_are_sampled() {
    let mut process = Process::start(&[("OTEL_TRACES_EXPORTER", "none")]);
    let (answer, [call, _]) = process.forward(&[]);
    let [of_answer, of_call] = ids(&answer, &call);
    assert_eq!((of_answer.2.as_str(), of_call.2.as_str()), ("03", "03"));
    let logged = process.log("request served");
    assert_eq!(logged["trace_id"], of_answer.0.as_str());
    assert_eq!(logged["span_id"], of_answer.1.as_str());
    assert_eq!(logged["route"], "/forward");
    process.stop();
}

#[test]
fn unsampled_request_writes_same_log_line() {
    let keys = |variables: &[(&str, &str)]| {
        let mut process = Process::start(variables);
        process.forward(&caller("00"));
        let logged = process.log("request served");
        assert_eq!(logged["trace_id"], TRACE_ID);
        process.stop();
        let keys = logged.as_object().unwrap().keys().cloned();
        keys.collect::<Vec<_>>()
    };
    let seen = keys(&[
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_TRACES_SAMPLER", "always_on"),
    ]);
    for variables in [
        [
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_TRACES_SAMPLER", "parentbased_always_on"),
        ],
        [
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_TRACES_SAMPLER", "always_on"),
        ],
        [("OTEL_SDK_DISABLED", "true"), ("RUST_LOG", "info")],
    ] {
        assert_eq!(keys(&variables), seen, "{variables:?}");
    }
}
