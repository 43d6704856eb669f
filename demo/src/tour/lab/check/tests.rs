use viewer::store::{Limits, Store, TraceId};
use viewer::testing::{TRACE_ID, TestSpan, span, trace};

use super::*;

const OTHER: &str = "0af7651916cd43dd8448eb211c80319c";

/// Service and name of the span whose task never ends.
const LEAKED: &str = "checkout wait_for_restock";

fn leaks() -> Harm {
    Harm::Leak {
        span: LEAKED.to_owned(),
    }
}

/// Returns a trace with another id than the request's trace.
fn other(spans: Vec<TestSpan>) -> Trace {
    let id: TraceId = OTHER.parse().unwrap();
    let bytes = u128::from_str_radix(OTHER, 16).unwrap().to_be_bytes();
    let in_other = |mut span: TestSpan| {
        span.span.trace_id = bytes.to_vec();
        span.batch()
    };
    let store = Store::new(Limits::default());
    store.insert(spans.into_iter().map(in_other).collect());
    store.trace(id).unwrap()
}

fn request() -> TestSpan {
    span("checkout", 1, None, "POST /pitfalls/{name}", 0..9)
}

fn task(parent: Option<u64>) -> TestSpan {
    span("checkout", 2, parent, "task", 1..2)
}

fn waiting(parent: Option<u64>) -> TestSpan {
    span("checkout", 3, parent, "wait_for_restock", 1..2)
}

/// Returns a response whose orphaned span is in the trace with this id.
fn fell_off_into(trace_id: &str) -> Answer {
    let orphan = format!(
        r#"{{"trace_id":"{trace_id}","span_id":"0000000000000002","span":"checkout task"}}"#
    );
    Answer::read(format!(
        r#"{{"happened":"So.","trace_id":"{TRACE_ID}","orphans":[{orphan}]}}"#
    ))
}

fn without_orphans(live_tasks: usize) -> Answer {
    Answer::read(format!(
        r#"{{"happened":"So.","trace_id":"{TRACE_ID}","orphans":[],"live_tasks":{live_tasks}}}"#
    ))
}

fn split() -> Run {
    Run {
        answer: fell_off_into(OTHER),
        own: Some(trace(vec![request()])),
        apart: vec![other(vec![task(None)])],
    }
}

fn leak(live_tasks: usize) -> Run {
    Run {
        answer: without_orphans(live_tasks),
        own: Some(trace(vec![request()])),
        apart: Vec::new(),
    }
}

fn loss(own: Option<Trace>) -> Run {
    Run {
        answer: fell_off_into(TRACE_ID),
        own,
        apart: Vec::new(),
    }
}

fn fixed(spans: Vec<TestSpan>) -> Run {
    Run {
        answer: without_orphans(LEAKED_TASKS),
        own: Some(trace(spans)),
        apart: Vec::new(),
    }
}

const NOTHING: [&str; 0] = [];

/// Asserts that there is exactly one difference from the expected result, and returns it.
#[track_caller]
fn only(mut off: Vec<String>) -> String {
    assert_eq!(off.len(), 1, "{off:?}");
    off.remove(0)
}

#[test]
fn correct_forms_have_no_difference() {
    assert_eq!(off_broken(&Harm::Split, &split(), &[]), NOTHING);
    assert_eq!(off_broken(&leaks(), &leak(1), &[]), NOTHING);
    assert_eq!(off_broken(&Harm::Loss, &loss(None), &[]), NOTHING);
    let run = fixed(vec![request(), task(Some(1))]);
    assert_eq!(off_fixed(&Harm::Split, &run, &["checkout task"]), NOTHING);
    let run = fixed(vec![request(), waiting(Some(1))]);
    assert_eq!(off_fixed(&leaks(), &run, &[LEAKED]), NOTHING);
}

#[test]
fn span_that_has_not_fallen_off_is_off() {
    let named = Run {
        answer: fell_off_into(TRACE_ID),
        ..split()
    };
    assert!(only(off_broken(&Harm::Split, &named, &[])).contains("in the request's trace"));
    let there = Run {
        own: Some(trace(vec![request(), task(Some(1))])),
        ..split()
    };
    assert!(only(off_broken(&Harm::Split, &there, &[])).contains("in the request's trace"));
    let none = leak(1);
    assert!(only(off_broken(&Harm::Split, &none, &[])).contains("names no span"));
}

#[test]
fn orphan_that_never_arrived_is_off() {
    let run = Run {
        apart: Vec::new(),
        ..split()
    };
    assert!(only(off_broken(&Harm::Split, &run, &[])).contains("checkout task"));
}

#[test]
fn leaked_span_must_not_arrive() {
    let others = [trace(vec![request()]), other(vec![waiting(None)])];
    let off = only(off_broken(&leaks(), &leak(1), &others));
    assert!(off.contains("wait_for_restock"), "{off}");
}

#[test]
fn wrong_number_of_live_tasks_is_off() {
    for live in [0, 2] {
        assert!(only(off_broken(&leaks(), &leak(live), &[])).contains("not 1"));
    }
    let run = Run {
        answer: without_orphans(2),
        ..fixed(vec![request(), waiting(Some(1))])
    };
    assert!(only(off_fixed(&leaks(), &run, &[LEAKED])).contains("not 1"));
}

#[test]
fn lost_trace_that_arrives_is_off() {
    let run = loss(Some(trace(vec![task(None)])));
    assert!(only(off_broken(&Harm::Loss, &run, &[])).contains("should not"));
}

#[test]
fn fixed_form_must_have_lost_span() {
    let run = fixed(vec![request(), task(Some(1))]);
    let twice = ["checkout task", "checkout task"];
    assert!(only(off_fixed(&Harm::Split, &run, &twice)).contains("checkout task"));
}

#[test]
fn fixed_form_must_be_joined() {
    let run = fixed(vec![request(), task(Some(9))]);
    assert!(only(off_fixed(&Harm::Split, &run, &[])).contains("not joined"));
    let run = Run {
        answer: fell_off_into(OTHER),
        ..fixed(vec![request()])
    };
    assert!(only(off_fixed(&Harm::Split, &run, &[])).contains("fallen off"));
    let run = Run {
        own: None,
        ..fixed(vec![request()])
    };
    assert!(only(off_fixed(&Harm::Split, &run, &[])).contains("no span"));
}

#[test]
fn answer_is_found_among_log_lines() {
    let answer = r#"{"pitfall":"unflushed-exit","fixed":true,"happened":"So.","orphans":[]}"#;
    assert!(Answer::is_one(answer));
    for line in [
        r#"{"level":"INFO","message":"exporting spans","trace_id":"4bf9"}"#,
        r#"{"level":"INFO","happened":"a field of that name"}"#,
        "12:34:56 INFO exporting spans",
        "",
    ] {
        assert!(!Answer::is_one(line), "{line}");
    }
}

#[test]
fn refused_form_fails_with_its_text() {
    let refused = || Run {
        answer: Answer::read(r#"{"status":503,"code":"inventory_unavailable"}"#.to_owned()),
        own: None,
        apart: Vec::new(),
    };
    assert!(refused().answer.happened.contains("inventory_unavailable"));
    for harm in [Harm::Split, leaks(), Harm::Loss] {
        assert_ne!(off_broken(&harm, &refused(), &[]), NOTHING);
        assert_ne!(off_fixed(&harm, &refused(), &[]), NOTHING);
    }
}

#[test]
fn harm_is_part_of_description() {
    let of = |harm: &str| {
        let text = |key: &str| format!(r#""{key}":"""#);
        let texts = [
            "name", "mistake", "looks", "instead", "source", "broken", "fixed",
        ]
        .map(text);
        let pitfall = format!(r#"{{{},"harm":{harm}}}"#, texts.join(","));
        serde_json::from_str::<super::super::Pitfall>(&pitfall).map(|pitfall| pitfall.harm)
    };
    assert!(matches!(of(r#"{"kind":"split"}"#), Ok(Harm::Split)));
    assert!(matches!(of(r#"{"kind":"loss"}"#), Ok(Harm::Loss)));
    let leak = of(r#"{"kind":"leak","span":"checkout task"}"#);
    assert!(matches!(leak, Ok(Harm::Leak { span }) if span == "checkout task"));
    for unknown in [r#"{"kind":"leak"}"#, r#"{"kind":"other"}"#, r#""split""#] {
        assert!(of(unknown).is_err(), "{unknown}");
    }
}
