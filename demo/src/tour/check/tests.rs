use checkout::catalogue::ROWS;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use viewer::testing::{TRACE_ID, TestSpan, span, trace};

use super::*;

fn order() -> &'static Row {
    ROWS.iter().find(|row| row.name == "item-123").unwrap()
}

fn answer() -> Answer {
    let body = format!(r#"{{"order_id":"1","trace_id":"{TRACE_ID}"}}"#);
    Answer {
        status: 200,
        headers: headers("0000000000000001"),
        json: serde_json::from_str(&body).unwrap(),
        body,
    }
}

fn headers(span_id: &str) -> HeaderMap {
    let traceresponse = format!("00-{TRACE_ID}-{span_id}-01").parse().unwrap();
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("traceresponse"), traceresponse),
    ])
}

/// Returns the expected spans: the first is the root, and all others are its children.
fn spans() -> Vec<TestSpan> {
    let ids = 1..;
    let spans = expected::spans(order()).iter().zip(ids);
    spans
        .map(|((service, name), id)| span(service, id, (id > 1).then_some(1), name, id..100))
        .collect()
}

fn evidence(spans: Vec<TestSpan>) -> Evidence {
    let line = |role| {
        let raw = format!(r#"{{"message":"request served","trace_id":"{TRACE_ID}"}}"#);
        LogLine::parse(role, raw)
    };
    Evidence {
        trace: Some(trace(spans)),
        lines: vec![line("checkout"), line("inventory")],
    }
}

/// Asserts that there is exactly one difference from the expected result, and returns it.
fn only(answer: &Answer, evidence: &Evidence) -> String {
    let mut off = off(order(), answer, evidence);
    assert_eq!(off.len(), 1, "{off:?}");
    off.remove(0)
}

#[test]
fn matching_answer_has_no_difference() {
    assert_eq!(off(order(), &answer(), &evidence(spans())), [""; 0]);
}

#[test]
fn wrong_status_is_off() {
    let wrong = Answer {
        status: 201,
        ..answer()
    };
    assert!(only(&wrong, &evidence(spans())).contains("201, not 200"));
}

#[test]
fn body_and_header_trace_id_must_match() {
    let wrong = Answer {
        json: serde_json::json!({ "trace_id": "another" }),
        ..answer()
    };
    assert!(only(&wrong, &evidence(spans())).contains("another"));
}

#[test]
fn traceresponse_that_names_another_span_is_off() {
    let wrong = Answer {
        headers: headers("0000000000000002"),
        ..answer()
    };
    assert!(only(&wrong, &evidence(spans())).contains("root span"));
}

#[test]
fn split_trace_is_off() {
    let mut split = spans();
    split[3].span.parent_span_id.clear();
    assert!(only(&answer(), &evidence(split)).contains("2 roots"));
    let mut orphaned = spans();
    orphaned[3].span.parent_span_id = vec![9; 8];
    assert!(only(&answer(), &evidence(orphaned)).contains("1 spans without"));
}

#[test]
fn missing_span_is_off_by_its_name() {
    let mut missing = spans();
    missing.pop();
    assert!(only(&answer(), &evidence(missing)).contains("send_receipt"));
}

#[test]
fn log_without_the_trace_id_is_off() {
    let mut silent = evidence(spans());
    silent.lines.pop();
    assert!(only(&answer(), &silent).contains("no log line of inventory"));
}
