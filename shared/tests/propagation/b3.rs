//! The `b3` and `X-B3-*` headers, by [B3 propagation](https://github.com/openzipkin/b3-propagation). The tests of
//! `OTEL_PROPAGATORS` send these headers over real sockets.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName};
use opentelemetry::{
    Context,
    propagation::TextMapPropagator,
    trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceState},
};
use shared::propagation::{B3Propagator, HeaderExtractor, HeaderInjector, TraceContextPropagator};

use crate::traceparent::{SPAN_ID, TRACE_ID};

type Lines = &'static [(&'static str, &'static str)];

const SINGLE: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
const IDS: [(&str, &str); 2] = [("X-B3-TraceId", TRACE_ID), ("X-B3-SpanId", SPAN_ID)];

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let lines = lines.iter().map(|(name, value)| {
        let name = HeaderName::try_from(*name).unwrap();
        (name, value.parse().unwrap())
    });
    lines.collect()
}

fn multiple(more: Lines) -> HeaderMap {
    headers(&[&IDS, more].concat())
}

fn read(propagator: &dyn TextMapPropagator, headers: &HeaderMap) -> Context {
    propagator.extract_with_context(&Context::new(), &HeaderExtractor(headers))
}

fn write(propagator: &dyn TextMapPropagator, cx: &Context) -> BTreeMap<String, String> {
    let mut headers = HeaderMap::new();
    propagator.inject_context(cx, &mut HeaderInjector(&mut headers));
    let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

fn map(lines: &[(&str, &str)]) -> BTreeMap<String, String> {
    let lines = lines
        .iter()
        .map(|(name, value)| (name.to_lowercase(), (*value).to_owned()));
    lines.collect()
}

fn single(rest: &str) -> HeaderMap {
    headers(&[("b3", &format!("{SINGLE}{rest}"))])
}

/// Returns the context of a child of the caller's span, as this process would create it.
fn child(cx: &Context) -> Context {
    let caller = cx.span().span_context().clone();
    cx.with_remote_span_context(SpanContext::new(
        caller.trace_id(),
        0x0102_0304_0506_0708.into(),
        caller.trace_flags(),
        false,
        TraceState::NONE,
    ))
}

#[test]
fn both_b3_forms_are_extracted() {
    let rows: [(&str, HeaderMap, bool, &str, Lines); 10] = [
        (
            "sampled",
            single("-1"),
            true,
            "-1",
            &[("x-b3-sampled", "1")],
        ),
        (
            "not sampled",
            single("-0"),
            false,
            "-0",
            &[("x-b3-sampled", "0")],
        ),
        (
            "debug counts as sampled",
            single("-d"),
            true,
            "-d",
            &[("x-b3-flags", "1")],
        ),
        (
            "with a parent",
            single("-1-00000000000000cd"),
            true,
            "-1",
            &[("x-b3-sampled", "1")],
        ),
        (
            "left open counts as sampled",
            single(""),
            true,
            "-1",
            &[("x-b3-sampled", "1")],
        ),
        (
            "multiple, sampled",
            multiple(&[("X-B3-Sampled", "1")]),
            true,
            "-1",
            &[("x-b3-sampled", "1")],
        ),
        (
            "multiple, sampled, the old way",
            multiple(&[("X-B3-Sampled", "true")]),
            true,
            "-1",
            &[("x-b3-sampled", "1")],
        ),
        (
            "multiple, not sampled",
            multiple(&[("X-B3-Sampled", "0")]),
            false,
            "-0",
            &[("x-b3-sampled", "0")],
        ),
        (
            "multiple, debug",
            multiple(&[("X-B3-Flags", "1")]),
            true,
            "-d",
            &[("x-b3-flags", "1")],
        ),
        (
            "multiple, left open",
            multiple(&[]),
            true,
            "-1",
            &[("x-b3-sampled", "1")],
        ),
    ];
    let (to_single, to_multiple) = (
        B3Propagator::single_header(),
        B3Propagator::multiple_headers(),
    );
    let id = "0102030405060708";
    for (claim, received, is_sampled, rest, more) in rows {
        for reader in [&to_single, &to_multiple] {
            let cx = read(reader, &received);
            let caller = cx.span().span_context().clone();
            assert_eq!(caller.trace_id().to_string(), TRACE_ID, "{claim}");
            assert_eq!(caller.span_id().to_string(), SPAN_ID, "{claim}");
            assert!(caller.is_remote(), "{claim}");
            assert_eq!(caller.is_sampled(), is_sampled, "{claim}");

            let cx = child(&cx);
            let single = format!("{TRACE_ID}-{id}{rest}");
            assert_eq!(write(&to_single, &cx), map(&[("b3", &single)]), "{claim}");
            let ids = [("x-b3-traceid", TRACE_ID), ("x-b3-spanid", id)];
            assert_eq!(
                write(&to_multiple, &cx),
                map(&[&ids, more].concat()),
                "{claim}"
            );
        }
    }
}

#[test]
fn deferred_decision_is_propagated() {
    let (to_single, to_multiple) = (
        B3Propagator::single_header(),
        B3Propagator::multiple_headers(),
    );
    let cx = read(&to_single, &single(""));
    assert_eq!(write(&to_single, &cx), map(&[("b3", SINGLE)]));
    assert_eq!(write(&to_multiple, &cx), map(&IDS));
}

#[test]
fn short_trace_id_is_padded() {
    let cx = read(
        &B3Propagator::single_header(),
        &headers(&[("b3", "a3ce929d0e0e4736-00f067aa0ba902b7-1")]),
    );
    let trace_id = cx.span().span_context().trace_id().to_string();
    assert_eq!(trace_id, "0000000000000000a3ce929d0e0e4736");
}

#[test]
fn invalid_traceparent_is_not_continued() {
    for value in [
        "",
        "1",
        "d",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-2",
        "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1-cd",
        "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1-00000000000000cd-1",
        "4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-1",
        "+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        "4bf92f3577b34da6a3ce929d0e0e4736-+0f067aa0ba902b7-1",
        "4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-1",
        "00000000000000000000000000000000-00f067aa0ba902b7-1",
        "4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-1",
    ] {
        for propagator in [
            B3Propagator::single_header(),
            B3Propagator::multiple_headers(),
        ] {
            let cx = read(&propagator, &headers(&[("b3", value)]));
            assert!(!cx.span().span_context().is_valid(), "{value}");
            assert_eq!(
                write(&propagator, &cx),
                map(&[]),
                "nothing without a span: {value}"
            );
        }
    }
    let signed = headers(&[
        ("x-b3-traceid", "+bf92f3577b34da6"),
        ("x-b3-spanid", SPAN_ID),
    ]);
    let cx = read(&B3Propagator::multiple_headers(), &signed);
    assert!(!cx.span().span_context().is_valid());
}

#[test]
fn decision_without_span_starts_unsampled_trace() {
    let propagator = B3Propagator::single_header();
    for lines in [
        &[("b3", "0")][..],
        &[("b3", " 0 ")],
        &[("x-b3-sampled", "0")],
        &[("x-b3-sampled", "false")],
    ] {
        let [first, second] = [(); 2].map(|()| {
            let cx = read(&propagator, &headers(lines));
            let span = cx.span();
            let caller = span.span_context();
            assert!(caller.is_valid() && !caller.is_sampled(), "{lines:?}");
            caller.trace_id()
        });
        assert_ne!(first, second, "each request is a trace of its own");
    }
}

#[test]
fn decision_without_span_keeps_span_of_other_propagator() {
    let w3c = headers(&[("traceparent", &format!("00-{SINGLE}-01"))]);
    let cx = read(&TraceContextPropagator::new(), &w3c);
    let carrier = headers(&[("b3", "0")]);
    let b3 = B3Propagator::single_header();
    let cx = b3.extract_with_context(&cx, &HeaderExtractor(&carrier));
    let span = cx.span();
    assert_eq!(span.span_context().trace_id().to_string(), TRACE_ID);
    assert!(span.span_context().is_sampled());
}

#[test]
fn random_flag_does_not_defer_decision() {
    let random = headers(&[("traceparent", &format!("00-{SINGLE}-03"))]);
    let cx = child(&read(&TraceContextPropagator::new(), &random));
    assert_eq!(
        cx.span().span_context().trace_flags(),
        TraceFlags::new(0x03)
    );
    let sent = write(&B3Propagator::single_header(), &cx);
    assert_eq!(sent["b3"], format!("{TRACE_ID}-0102030405060708-1"));
}
