use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};

use super::*;
use crate::store::Limits;
use crate::testing::{TRACE_ID, TestSpan, attribute, span};

async fn get_page(spans: Vec<TestSpan>, path: &str) -> (u16, String) {
    let store = Store::new(Limits::default());
    store.insert(spans.into_iter().map(TestSpan::batch).collect());
    crate::testing::get(router(store), path).await
}

async fn trace_page(spans: Vec<TestSpan>) -> String {
    let (status, html) = get_page(spans, &format!("/trace/{TRACE_ID}")).await;
    assert_eq!(status, 200);
    html
}

#[tokio::test]
async fn everything_a_span_carries_is_escaped() {
    const EVIL: &str = "</span><script>alert('\"&')</script>";
    let mut evil = span("<i>service", 1, None, EVIL, 0..1).failed(EVIL);
    evil.span.attributes.push(attribute(EVIL, EVIL));
    evil.span.trace_state = EVIL.to_owned();
    evil.span.events.push(Event {
        name: EVIL.to_owned(),
        attributes: vec![attribute(EVIL, EVIL)],
        ..Event::default()
    });
    evil.span.links.push(Link {
        attributes: vec![attribute(EVIL, EVIL)],
        ..Link::default()
    });
    let store = Store::new(Limits::default());
    store.insert(vec![evil.batch()]);
    for path in ["/", &format!("/trace/{TRACE_ID}")] {
        let (_, html) = crate::testing::get(router(store.clone()), path).await;
        assert!(!html.contains("<script"), "{html}");
        assert!(!html.contains("<i>service"), "{html}");
        assert!(
            html.contains("&lt;script&gt;alert(&#39;&quot;&amp;&#39;)"),
            "{html}"
        );
    }
}

#[tokio::test]
async fn waterfall_page_shows_spans_errors_and_the_stack_trace_in_lines() {
    let mut failed = span("inventory", 2, Some(1), "GET /check/{item_id}", 10..20).failed("panic");
    failed.span.events.push(Event {
        name: "exception".to_owned(),
        attributes: vec![attribute("exception.stacktrace", "first line\nsecond line")],
        ..Event::default()
    });
    let html = trace_page(vec![
        span("checkout", 1, None, "POST /checkout", 0..40),
        failed,
    ])
    .await;
    for text in [
        "POST /checkout",
        "GET /check/{item_id}",
        "<span class=badge>panic</span>",
        "<pre>first line\nsecond line</pre>",
        "left:25.000%;width:25.000%",
    ] {
        assert!(html.contains(text), "{text} is not in\n{html}");
    }
}

#[tokio::test]
async fn trace_still_arriving_says_how_many_spans_so_far_and_marks_orphans() {
    let html = trace_page(vec![span("inventory", 2, Some(1), "orphan", 0..1)]).await;
    assert!(html.contains("1 so far"), "{html}");
    assert!(html.contains("parent missing"), "{html}");
    assert!(html.contains("http-equiv=\"refresh\""), "{html}");
}

#[tokio::test]
async fn list_links_each_trace_and_tells_its_errors() {
    let spans = vec![
        span("checkout", 1, None, "POST /checkout", 0..40).failed("502"),
        span("inventory", 2, Some(1), "child", 1..2),
    ];
    let (status, html) = get_page(spans, "/").await;
    assert_eq!(status, 200);
    assert!(
        html.contains(&format!("href='/trace/{TRACE_ID}'>POST /checkout")),
        "{html}"
    );
    let short = &TRACE_ID[..8];
    assert!(
        html.contains(&format!("href='/trace/{TRACE_ID}'>{short}</a>")),
        "{html}"
    );
    assert!(html.contains("1 error"), "{html}");
    assert!(!html.contains("not joined"), "{html}");
}

#[tokio::test]
async fn service_has_the_same_colour_wherever_it_stands() {
    for [first, second] in [["checkout", "inventory"], ["inventory", "checkout"]] {
        for path in ["/", &format!("/trace/{TRACE_ID}")] {
            let spans = vec![
                span(first, 1, None, "first", 0..2),
                span(second, 2, Some(1), "second", 1..2),
            ];
            let (_, html) = get_page(spans, path).await;
            for text in ["service s0'>checkout<", "service s1'>inventory<"] {
                assert!(html.contains(text), "{text} is not in\n{html}");
            }
        }
    }
}

#[test]
fn other_services_share_the_colours_the_style_sheet_has_left() {
    for name in ["", "web", "unknown_service", "ünïcode"] {
        let colour = colour(name);
        assert!((2..SERVICE_COLOURS).contains(&colour), "{name}: {colour}");
        assert!(STYLE.contains(&format!(".s{colour} {{")), "{colour}");
    }
}

#[tokio::test]
async fn empty_list_says_what_to_do() {
    let (status, html) = get_page(vec![], "/").await;
    assert_eq!(status, 200);
    assert!(html.contains("Send a request"), "{html}");
}

#[tokio::test]
async fn unknown_trace_is_404_and_looks_again() {
    let (status, html) = get_page(vec![], &format!("/trace/{TRACE_ID}")).await;
    assert_eq!(status, 404);
    assert!(html.contains("http-equiv=\"refresh\""), "{html}");
}

#[tokio::test]
async fn invalid_trace_id_is_400_and_escaped() {
    let (status, html) = get_page(vec![], "/trace/%3Cscript%3E").await;
    assert_eq!(status, 400);
    assert!(html.contains("&lt;script&gt;"), "{html}");
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere() {
    let html = trace_page(vec![span("checkout", 1, None, "root", 0..1)]).await;
    for reference in ["src=", "@import", "url(", "http://", "https://"] {
        assert!(!html.contains(reference), "{reference} in\n{html}");
    }
}
