//! The rules of [W3C Trace Context Level 2](https://www.w3.org/TR/trace-context-2/) for the `traceparent` header, with
//! one table row for each rule.

use std::collections::{HashMap, HashSet};

use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    propagation::TextMapPropagator as _,
    trace::{SpanContext, TraceContextExt as _, TraceState},
};
use shared::{propagation::TraceContextPropagator, server::TraceLayer, testing::recorder};

use crate::support::wire::{Service, calls_in, line, show};

pub(crate) const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const SPAN_ID: &str = "00f067aa0ba902b7";
pub(crate) const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[derive(Debug, PartialEq)]
enum Then {
    /// The service continues the caller's trace. The value contains the expected trace flags.
    Continued(&'static str),
    /// The service starts a new trace with random ids.
    New,
}
use Then::{Continued, New};

/// Returns a `traceparent` value with this version, the caller's ids, these flags, and any text that follows the flags.
fn pair(version: &str, flags_and_rest: &str) -> Vec<u8> {
    format!("{version}-{TRACE_ID}-{SPAN_ID}-{flags_and_rest}").into_bytes()
}

/// Returns a single `traceparent` header line with the caller's ids.
pub(crate) fn parent(version: &str, flags_and_rest: &str) -> Vec<Vec<u8>> {
    vec![line("traceparent", pair(version, flags_and_rest))]
}

fn text(value: &str) -> Vec<Vec<u8>> {
    vec![line("traceparent", value)]
}

fn ids(trace_id: &str, span_id: &str) -> Vec<Vec<u8>> {
    text(&format!("00-{trace_id}-{span_id}-01"))
}

#[rustfmt::skip]
fn traceparent_rows() -> Vec<(&'static str, Vec<Vec<u8>>, Then)> {
    let valid = || line("traceparent", TRACEPARENT);
    vec![
        ("without a traceparent a trace starts", vec![], New),
        ("a valid pair is continued", parent("00", "01"), Continued("01")),

        ("the name is in any case", vec![line("TraceParent", TRACEPARENT)], Continued("01")),
        ("the name is in upper case", vec![line("TRACEPARENT", TRACEPARENT)], Continued("01")),
        ("the name has no hyphen", vec![line("trace-parent", TRACEPARENT)], New),
        ("the name has no dot", vec![line("trace.parent", TRACEPARENT)], New),
        ("two headers are as good as none", vec![valid(), valid()], New),
        ("two headers of which one is invalid are as good as none", vec![valid(), line("traceparent", "00-0-0-0")], New),
        ("two headers of which one is empty are as good as none", vec![valid(), line("traceparent", "")], New),
        ("two headers of which one is no text are as good as none", vec![line("traceparent", b"\xff\xfe"), valid()], New),
        ("two headers in two spellings are as good as none", vec![valid(), line("Traceparent", TRACEPARENT)], New),
        ("two values in one header are invalid", text(&format!("{TRACEPARENT},{TRACEPARENT}")), New),
        ("a value and a comma is invalid", text(&format!("{TRACEPARENT},")), New),

        ("spaces and tabs around are ignored", text(&format!(" \t {TRACEPARENT} \t ")), Continued("01")),
        ("a space inside is not", text("00 -4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), New),
        ("other white space around is not", vec![line("traceparent", [b"\xc2\xa0", TRACEPARENT.as_bytes()].concat())], New),
        ("a value that is no text is invalid", vec![line("traceparent", b"\xff\xfe\xfd")], New),
        ("an empty value is invalid", text(""), New),

        ("another separator than - is invalid", text("00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01"), New),
        ("a missing field is invalid", text("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"), New),
        ("missing flags after a hyphen are invalid", parent("00", ""), New),

        ("a version of one digit is invalid", parent("0", "01"), New),
        ("a version of three digits is invalid", parent("000", "01"), New),
        ("a version with another character is invalid", parent(".0", "01"), New),
        ("a version with another character behind is invalid", parent("0.", "01"), New),
        ("a version in upper case is invalid", parent("CC", "01"), New),
        ("version ff is invalid", parent("ff", "01"), New),
        ("version ff is invalid whatever follows", parent("ff", "01-what-the-future-will-be-like"), New),
        ("version 00 ends with the flags", parent("00", "01-what-the-future-will-be-like"), New),
        ("version 00 ends with the flags, not with a hyphen", parent("00", "01-"), New),
        ("version 00 ends with the flags, not with a dot", parent("00", "01."), New),
        ("a higher version is read as far as it is known", parent("cc", "01"), Continued("01")),
        ("a higher version may go on after a hyphen", parent("cc", "01-what-the-future-will-be-like"), Continued("01")),
        ("a higher version may end with a hyphen", parent("01", "01-"), Continued("01")),
        ("a higher version may go on with text that is not ASCII", parent("01", "01-caf\u{e9}"), Continued("01")),
        ("a higher version goes on after a hyphen only", parent("cc", "01.what-the-future-will-be-like"), New),
        ("a higher version's flags have two digits", parent("cc", "012"), New),
        ("a higher version's fields are the same", text("cc-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01"), New),
        ("a higher version's ids are not zero either", text("fe-00000000000000000000000000000000-00f067aa0ba902b7-01"), New),
        ("version fe is a version", parent("fe", "01"), Continued("01")),

        ("a trace id of zeros is invalid", ids("00000000000000000000000000000000", SPAN_ID), New),
        ("a trace id in upper case is invalid", ids("4BF92F3577B34DA6A3CE929D0E0E4736", SPAN_ID), New),
        ("one upper-case digit is enough", ids("4bf92f3577b34da6a3ce929d0e0e473A", SPAN_ID), New),
        ("a trace id with another character is invalid", ids(".bf92f3577b34da6a3ce929d0e0e4736", SPAN_ID), New),
        ("a trace id with a sign is invalid", ids("+bf92f3577b34da6a3ce929d0e0e4736", SPAN_ID), New),
        ("a trace id of 31 digits is invalid", ids("4bf92f3577b34da6a3ce929d0e0e473", SPAN_ID), New),
        ("a trace id of 33 digits is invalid", ids("4bf92f3577b34da6a3ce929d0e0e47366", SPAN_ID), New),
        ("a trace id of 16 digits is invalid", ids("a3ce929d0e0e4736", SPAN_ID), New),

        ("a parent id of zeros is invalid", ids(TRACE_ID, "0000000000000000"), New),
        ("a parent id in upper case is invalid", ids(TRACE_ID, "00F067AA0BA902B7"), New),
        ("a parent id with another character is invalid", ids(TRACE_ID, ".0f067aa0ba902b7"), New),
        ("a parent id with a sign is invalid", ids(TRACE_ID, "+0f067aa0ba902b7"), New),
        ("a parent id of 15 digits is invalid", ids(TRACE_ID, "00f067aa0ba902b"), New),
        ("a parent id of 17 digits is invalid", ids(TRACE_ID, "00f067aa0ba902b77"), New),

        ("flags of one digit are invalid", parent("00", "1"), New),
        ("flags of three digits are invalid", parent("00", "001"), New),
        ("flags with another character are invalid", parent("00", ".1"), New),
        ("flags with another character behind are invalid", parent("00", "0."), New),
        ("flags in upper case are invalid", parent("00", "0A"), New),
        ("not sampled stays not sampled", parent("00", "00"), Continued("00")),
        ("the random flag is kept", parent("00", "03"), Continued("03")),
        ("the random flag is kept without the sampled one", parent("00", "02"), Continued("02")),
        ("other flags are sent as 0", parent("00", "ff"), Continued("03")),
        ("other flags alone are sent as 0", parent("00", "fc"), Continued("00")),
        ("a higher version's other flags are sent as 0", parent("cc", "ff"), Continued("03")),
    ]
}

#[tokio::test]
async fn every_rule_of_traceparent_holds() {
    recorder();
    let service = Service::start(TraceLayer::new()).await;
    for (claim, lines, then) in traceparent_rows() {
        let (answer, calls) = service.forward(&lines).await;
        let [first, second] = calls.map(|call| call.sent("traceparent"));
        let server = answer.sent("traceresponse");
        let because = format!("{claim}: {}", show(&lines));

        assert_eq!(server.0, first.0, "one trace: {because}");
        assert_eq!(server.0, second.0, "one trace: {because}");
        let spans = [SPAN_ID, &server.1, &first.1, &second.1];
        let spans: HashSet<&str> = spans.into_iter().collect();
        assert_eq!(spans.len(), 4, "a new parent id for every call: {because}");
        let is_continued = server.0 == TRACE_ID;
        let flags = match then {
            Continued(flags) => {
                assert!(is_continued, "a new trace, though {because}");
                flags
            }
            New => {
                assert!(!is_continued, "the caller's trace, though {because}");
                "03"
            }
        };
        for sent in [server, first, second] {
            assert_eq!(sent.2, flags, "flags: {because}");
        }
    }
}

#[tokio::test]
async fn continued_span_is_callers_child() {
    recorder();
    let service = Service::start(TraceLayer::new()).await;
    let lines = [line(
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )];
    let _ = service.forward(&lines).await;
    let trace = recorder()
        .trace("0af7651916cd43dd8448eb211c80319c", 4)
        .await;
    assert_eq!(
        trace.tree(),
        "orphan of b7ad6b7169203331:\n  \
           SERVER GET /forward\n    \
             CLIENT GET\n    \
             INTERNAL place_order\n      \
               CLIENT GET\n"
    );
}

/// Returns the headers injected for a context with this remote span.
fn sent(flags: u8, is_remote: bool) -> String {
    let caller = SpanContext::new(
        TraceId::from(1),
        SpanId::from(2),
        TraceFlags::new(flags),
        is_remote,
        TraceState::default(),
    );
    let mut sent = HashMap::new();
    let cx = Context::default().with_remote_span_context(caller);
    TraceContextPropagator::new().inject_context(&cx, &mut sent);
    sent.remove("traceparent").unwrap_or_default()
}

#[test]
fn foreign_trace_id_has_no_random_flag() {
    let pair = format!("00-{:032x}-{:016x}", 1, 2);
    assert_eq!(sent(0x01, true), format!("{pair}-01"));
    assert_eq!(sent(0x00, true), format!("{pair}-00"));
    assert_eq!(sent(0x03, true), format!("{pair}-03"));
}

#[test]
fn child_span_keeps_callers_random_flag() {
    let propagator = TraceContextPropagator::new();
    for flags in ["00", "01", "02", "03"] {
        let received = String::from_utf8(pair("00", flags)).unwrap();
        let received = HashMap::from([("traceparent".to_owned(), received)]);
        let cx = propagator.extract_with_context(&Context::default(), &received);
        let caller = cx.span().span_context().clone();
        let below = SpanContext::new(
            caller.trace_id(),
            SpanId::from(3),
            caller.trace_flags() & TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        );
        let mut sent = HashMap::<String, String>::new();
        propagator.inject_context(&cx.with_remote_span_context(below), &mut sent);
        let expected = format!("00-{TRACE_ID}-0000000000000003-{flags}");
        assert_eq!(sent["traceparent"], expected);
    }
}

#[tokio::test]
async fn call_in_foreign_trace_keeps_flags() {
    recorder();
    let trace_id = TraceId::from(0xca11_0000_0000_0001);
    let caller = SpanContext::new(
        trace_id,
        SpanId::from(2),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    let cx = Context::default().with_remote_span_context(caller);
    let [first, second] = calls_in(cx).await;
    assert_eq!(first.sent("traceparent").2, "01");
    assert_eq!(second.sent("traceparent").2, "01");
}
