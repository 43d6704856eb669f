//! The rules of [W3C Trace Context Level 2](https://www.w3.org/TR/trace-context-2/) for the `tracestate` header, with
//! one table row for each rule.

use std::collections::HashMap;

use opentelemetry::{
    Context,
    propagation::TextMapPropagator as _,
    trace::{SpanContext, TraceContextExt as _},
};
use shared::{propagation::TraceContextPropagator, server::TraceLayer, testing::recorder};

use crate::{
    support::wire::{Service, line, show},
    traceparent::{TRACE_ID, TRACEPARENT, parent},
};

#[derive(Debug)]
struct StateRow {
    claim: &'static str,
    lines: Vec<Vec<u8>>,
    sent: Option<String>,
}

fn row(claim: &'static str, values: &[&str], sent: Option<&str>) -> StateRow {
    StateRow {
        claim,
        lines: values
            .iter()
            .map(|value| line("tracestate", value))
            .collect(),
        sent: sent.map(str::to_owned),
    }
}

/// Returns a row for a single header that is passed on unchanged.
fn kept(claim: &'static str, value: &str) -> StateRow {
    row(claim, &[value], Some(value))
}

fn discarded(claim: &'static str, value: &str) -> StateRow {
    row(claim, &[value], None)
}

fn members(count: usize) -> String {
    let members: Vec<String> = (1..=count).map(|n| format!("bar{n:02}={n:02}")).collect();
    members.join(",")
}

#[rustfmt::skip]
fn tracestate_rows() -> Vec<StateRow> {
    let longest = format!("{}={}", "a".repeat(256), "v".repeat(256));
    let all_values: String = (' '..='~').filter(|c| !matches!(c, ',' | '=')).chain(['!']).collect();
    let keys = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    vec![
        row("no header, none is sent", &[], None),
        kept("a member goes on as it came", "foo=1"),
        kept("members go on in order", "foo=1,bar=2"),

        row("headers are one list, in order", &["foo=1", "bar=2"], Some("foo=1,bar=2")),
        row("three headers are one list too", &["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], Some("foo=1,bar=2,rojo=1,congo=2,baz=3")),
        row("an empty header is none", &[""], None),
        row("an empty header among others is skipped", &["foo=1", ""], Some("foo=1")),
        row("an empty header before others is skipped", &["", "foo=1"], Some("foo=1")),
        row("a header of white space among others is skipped", &["foo=1", " \t ", "bar=2"], Some("foo=1,bar=2")),
        kept("empty members are allowed", "foo=1,,bar=2"),
        kept("an empty member at the end is allowed", "foo=1,"),
        kept("an empty member at the start is allowed", ",foo=1"),
        kept("members of white space are allowed", "foo=1, \t ,bar=2"),
        row("empty members alone are no list", &[",,"], None),

        kept("spaces and tabs around members are ignored", "foo=1 \t , \t bar=2, \t baz=3"),
        row("spaces and tabs around the list are ignored", &["\t foo=1 \t"], Some("foo=1")),
        kept("a value may begin with a space", "foo= 1"),

        kept("32 members are allowed", &members(32)),
        discarded("33 members are not", &members(33)),
        row("32 members in two headers are allowed", &[&members(16), &members(16)], Some(&format!("{},{}", members(16), members(16)))),
        row("33 members in two headers are not", &[&members(32), "foo=1"], None),
        kept("empty members do not count", &format!("{},,,", members(32))),

        kept("a key may begin with a letter", "foo=1"),
        kept("a key may begin with a digit", "0foo=1"),
        discarded("a key begins with neither _", "_foo=1"),
        discarded("a key does not begin with -", "-foo=1"),
        discarded("a key does not begin with *", "*foo=1"),
        discarded("a key does not begin with /", "/foo=1"),
        discarded("a key does not begin with @", "@foo=1"),
        kept("a key has letters, digits, _ - * /", &format!("{keys}=1")),
        kept("a key may have a @", "foo@bar=1"),
        kept("a key may have two @", "foo@bar@baz=1"),
        kept("a key may have adjacent @", "foo@@bar=1"),
        kept("a key may end with @", "foo@=1,bar=2"),
        kept("a key of one character is allowed", "a=1"),
        kept("a key of 256 characters is allowed", &format!("{}=1", "z".repeat(256))),
        discarded("a key of 257 characters is not", &format!("{}=1", "z".repeat(257))),
        kept("a key of 241@14 characters is allowed", &format!("{}@{}=1", "t".repeat(241), "v".repeat(14))),
        kept("a key of 14@241 characters is allowed", &format!("{}@{}=1", "t".repeat(14), "v".repeat(241))),
        discarded("a key of 242@14 characters is not", &format!("{}@{}=1", "t".repeat(242), "v".repeat(14))),
        discarded("a key is not empty", "=1"),
        discarded("a key is in lower case", "FOO=1"),
        discarded("one upper-case letter is enough", "foO=1"),
        discarded("a key has no space", "foo bar=1"),
        discarded("a key does not end with a space", "foo =1"),
        discarded("a key has no dot", "foo.bar=1"),
        discarded("a key is ASCII", "caf\u{e9}=1"),

        discarded("a member has a =", "foo"),
        discarded("a value is not empty", "foo="),
        discarded("a value has no =", "foo=bar=baz"),
        kept("a value is any printable ASCII but , and =", &format!("foo={all_values}")),
        discarded("a value has no tab", "foo=b\ta"),
        discarded("a value is ASCII", "foo=caf\u{e9}"),
        kept("a value of 256 characters is allowed", &format!("foo={}", "v".repeat(256))),
        discarded("a value of 257 characters is not", &format!("foo={}", "v".repeat(257))),
        kept("the longest member is allowed", &longest),
        kept("more than 512 characters are allowed", &format!("{longest},foo=1")),
        discarded("one illegal member discards the list", "foo=1,bar,baz=3"),
        row("one illegal member discards the headers before it", &["foo=1", "bar=2=3"], None),

        kept("duplicate keys go on in order", "foo=1,bar=2,foo=3"),
        row("duplicate keys in two headers go on in order", &["foo=1", "foo=1"], Some("foo=1,foo=1")),
        StateRow { claim: "the name is in any case", lines: vec![line("TraceState", "foo=1")], sent: Some("foo=1".to_owned()) },
        StateRow { claim: "the name has no hyphen", lines: vec![line("trace-state", "foo=1")], sent: None },
        StateRow { claim: "the name has no dot", lines: vec![line("trace.state", "foo=1")], sent: None },
        StateRow { claim: "a list that is no text is discarded", lines: vec![line("tracestate", b"foo=1,bar=\xff")], sent: None },
    ]
}

#[tokio::test]
async fn every_rule_of_tracestate_holds() {
    recorder();
    let service = Service::start(TraceLayer::new()).await;
    for StateRow { claim, lines, sent } in tracestate_rows() {
        for flags in ["00", "01"] {
            let mut lines = lines.clone();
            lines.extend(parent("00", flags));
            let (_, calls) = service.forward(&lines).await;
            for call in calls {
                let because = format!("{claim}: {}", show(&lines));
                let is_continued = call.sent("traceparent").0 == TRACE_ID;
                assert!(is_continued, "tracestate never invalidates: {because}");
                assert_eq!(call.header("tracestate"), sent.as_deref(), "{because}");
            }
        }
    }
}

#[tokio::test]
async fn tracestate_without_traceparent_is_dropped() {
    recorder();
    let service = Service::start(TraceLayer::new()).await;
    let valid = || line("traceparent", TRACEPARENT);
    for traceparent in [vec![], parent("00", "1"), vec![valid(), valid()]] {
        let mut lines = traceparent;
        lines.push(line("tracestate", "foo=1"));
        let (_, calls) = service.forward(&lines).await;
        for call in calls {
            assert_ne!(call.sent("traceparent").0, TRACE_ID);
            assert_eq!(call.header("tracestate"), None, "{}", show(&lines));
        }
    }
}

#[test]
fn changed_tracestate_is_sent() {
    let carrier = |state: &str| {
        HashMap::from([
            ("traceparent".to_owned(), TRACEPARENT.to_owned()),
            ("tracestate".to_owned(), state.to_owned()),
        ])
    };
    let propagator = TraceContextPropagator::new();
    let cx = propagator.extract_with_context(&Context::new(), &carrier("foo=1 , bar=2"));
    let caller = cx.span().span_context().clone();
    let changed = SpanContext::new(
        caller.trace_id(),
        caller.span_id(),
        caller.trace_flags(),
        false,
        caller.trace_state().insert("bar", "3").unwrap(),
    );
    let mut sent = HashMap::new();
    propagator.inject_context(&cx.with_remote_span_context(changed), &mut sent);
    assert_eq!(sent["tracestate"], "bar=3,foo=1");
}
