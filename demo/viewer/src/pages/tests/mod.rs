use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};

use super::*;
use crate::log_line::LogLine;
use crate::store::Limits;
use crate::testing::{TRACE_ID, TestSpan, attribute, client, pitfall, request, serve, span};

mod list;
mod traces;

/// Creates a store that contains these spans.
fn holding(spans: Vec<TestSpan>) -> Store {
    let store = Store::new(Limits::default());
    store.insert(spans.into_iter().map(TestSpan::batch).collect());
    store
}

async fn page(store: &Store, path: &str) -> (u16, String) {
    crate::testing::get(router(store.clone(), BackLink::default()), path).await
}

/// Returns the page of the trace that contains these spans.
async fn trace_page(spans: Vec<TestSpan>, query: &str) -> String {
    let (status, html) = page(&holding(spans), &format!("/trace/{TRACE_ID}{query}")).await;
    assert_eq!(status, 200);
    html
}

#[track_caller]
fn assert_has(html: &str, texts: &[&str]) {
    for text in texts {
        assert!(html.contains(text), "{text} is not in\n{html}");
    }
}

const EVIL: &str = "</span><script>alert('\"&')</script>";

#[tokio::test]
async fn everything_a_span_carries_is_escaped() {
    let mut evil = span("<i>service", 1, None, EVIL, 0..1).failed(EVIL);
    for key in [
        EVIL,
        "http.response.status_code",
        "url.path",
        "server.address",
    ] {
        evil.set(key, EVIL);
    }
    evil.span.trace_state = EVIL.to_owned();
    evil.span.kind = 3;
    evil.span.events.push(Event {
        name: EVIL.to_owned(),
        attributes: vec![attribute(EVIL, EVIL)],
        ..Event::default()
    });
    evil.span.events.push(Event {
        name: "exception".to_owned(),
        attributes: vec![
            attribute("exception.message", EVIL),
            attribute("exception.stacktrace", EVIL),
        ],
        ..Event::default()
    });
    evil.span.links.push(Link {
        attributes: vec![attribute(EVIL, EVIL)],
        ..Link::default()
    });
    let store = holding(vec![evil]);
    let line = serde_json::json!({"trace_id": TRACE_ID, "span_id": EVIL, "message": EVIL, "level": EVIL, EVIL: EVIL});
    store.log(&LogLine::parse("checkout", line.to_string()));
    let trace = format!("/trace/{TRACE_ID}");
    for path in [
        "/",
        "/?q=%3Cscript%3E&service=%3Cscript%3E&min=%3Cscript%3E",
        &trace,
        &format!("{trace}?span=0000000000000001"),
        &format!("{trace}?q=%22%3E%3Cscript%3E&uiEmbed=v0"),
        &format!("/compare?a={TRACE_ID}&b={TRACE_ID}"),
        "/compare?a=%3Cscript%3E",
        "/trace/%3Cscript%3E",
    ] {
        let (_, html) = page(&store, path).await;
        assert_eq!(
            html.matches("<script").count(),
            1,
            "only the page's own: {path}\n{html}"
        );
        assert!(!html.contains("<i>service"), "{path}\n{html}");
        assert!(html.contains("&lt;script&gt;"), "{path}\n{html}");
    }
}

#[tokio::test]
async fn bidi_characters_are_escaped() {
    let html = trace_page(
        vec![span("checkout", 1, None, "pay\u{202e}gnp.exe\u{7}", 0..1)],
        "",
    )
    .await;
    assert_has(&html, &["pay‹U+202E›gnp.exe‹U+0007›"]);
    assert!(!html.contains('\u{202e}'));
}

#[tokio::test]
async fn texts_without_end_are_cut_and_say_so() {
    let mut long = span("checkout", 1, None, &"n".repeat(65_536), 0..1);
    long.set("text", &"ä".repeat(65_536));
    let html = trace_page(vec![long], "?span=0000000000000001").await;
    assert_has(&html, &["… (65416 bytes more)", "… (114688 bytes more)"]);
    assert!(html.len() < 100_000, "{} bytes", html.len());
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere() {
    let html = trace_page(vec![span("checkout", 1, None, "root", 0..1)], "").await;
    for reference in [" src=", "@import", "url(", "https://"] {
        assert!(!html.contains(reference), "{reference} in\n{html}");
    }
}

#[tokio::test]
async fn content_security_policy_allows_own_script_only() {
    let url = serve(router(
        holding(vec![span("checkout", 1, None, "root", 0..1)]),
        BackLink::default(),
    ))
    .await;
    let policy = async |query: &str| {
        let response = client()
            .get(format!("{url}/trace/{TRACE_ID}{query}"))
            .send()
            .await
            .unwrap();
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        (policy, response.text().await.unwrap())
    };
    let (whole, html) = policy("").await;
    let nonce = whole
        .split_once("script-src 'nonce-")
        .unwrap()
        .1
        .split('\'')
        .next()
        .unwrap();
    assert_has(&html, &[&format!("<script nonce=\"{nonce}\">")]);
    assert!(whole.starts_with("default-src 'none'"), "{whole}");
    assert!(whole.ends_with("frame-ancestors 'none'"), "{whole}");
    let (embedded, _) = policy("?uiEmbed=v0").await;
    assert!(
        embedded.ends_with("frame-ancestors 'self' http://127.0.0.1:* http://localhost:*"),
        "{embedded}"
    );
    assert!(!embedded.contains(nonce), "a nonce is used once");
}

#[tokio::test]
async fn news_name_the_trace_that_changed() {
    let store = Store::new(Limits::default());
    let url = serve(router(store.clone(), BackLink::default())).await;
    let mut response = client().get(format!("{url}/live")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    store.insert(vec![span("checkout", 1, None, "root", 0..1).batch()]);
    let first = response.chunk().await.unwrap().unwrap();
    assert_eq!(first, format!("data: {TRACE_ID}\n\n"));
    let line = format!(r#"{{"trace_id":"{TRACE_ID}","message":"a line"}}"#);
    store.log(&LogLine::parse("checkout", line));
    let second = response.chunk().await.unwrap().unwrap();
    assert_eq!(second, format!("data: {TRACE_ID}\n\n"));
}

#[tokio::test]
async fn service_has_the_same_color_wherever_it_stands() {
    for [first, second] in [["checkout", "inventory"], ["inventory", "checkout"]] {
        for path in ["/", &format!("/trace/{TRACE_ID}")] {
            let store = holding(vec![
                span(first, 1, None, "first", 0..2),
                span(second, 2, Some(1), "second", 1..2),
            ]);
            let (_, html) = page(&store, path).await;
            assert_has(
                &html,
                &["service s0\">checkout<", "service s1\">inventory<"],
            );
        }
    }
}

#[test]
fn further_services_share_remaining_colors() {
    const STYLE: &str = include_str!("../style.css");
    for name in ["", "web", "unknown_service", "ünïcode"] {
        let color = text::color(name);
        assert!(
            (2..text::SERVICE_COLORS).contains(&color),
            "{name}: {color}"
        );
        assert!(STYLE.contains(&format!(".s{color} {{")), "{color}");
    }
}

#[tokio::test]
async fn unknown_page_is_404_with_link() {
    let (status, html) = page(&Store::new(Limits::default()), "/nowhere").await;
    assert_eq!(status, 404);
    assert_has(&html, &["there is no such page", "href=\"/\""]);
}

#[tokio::test]
async fn times_without_script_name_utc() {
    let time = 1_790_000_000_123_456_789;
    let store = holding(vec![span("checkout", 1, None, "root", time..time + 5)]);
    let line = serde_json::json!({"trace_id": TRACE_ID, "timestamp": "2026-09-21T14:13:20.123456Z", "message": "a line"});
    store.log(&LogLine::parse("checkout", line.to_string()));
    let (_, list) = page(&store, "/").await;
    let clock = "<time datetime=\"2026-09-21T14:13:20.123Z\">14:13:20.123</time>";
    let zone = "times are <span class=\"zone\">UTC</span>";
    assert_has(&list, &[clock, zone]);
    let (_, trace) = page(&store, &format!("/trace/{TRACE_ID}")).await;
    let moment = "datetime=\"2026-09-21T14:13:20.123Z\">2026-09-21 14:13:20.123 UTC</time>";
    assert_has(&trace, &[moment, clock, zone]);
}

#[tokio::test]
async fn back_link_is_on_every_page_once_set() {
    let store = holding(vec![span("checkout", 1, None, "root", 0..1)]);
    let back_link = BackLink::default();
    let url = serve(router(store, back_link.clone())).await;
    let html = async |path: &str| {
        let response = client().get(format!("{url}{path}")).send().await.unwrap();
        response.text().await.unwrap()
    };
    let trace = format!("/trace/{TRACE_ID}");
    let compare = format!("/compare?a={TRACE_ID}&b={TRACE_ID}");
    let pages = [
        "/",
        &trace,
        &compare,
        "/compare",
        "/trace/zebra",
        "/nowhere",
    ];
    for path in pages {
        assert!(!html(path).await.contains("Back to"), "{path}");
    }
    back_link.set("checkout", "http://127.0.0.1:8080/");
    let link = "<a href=\"http://127.0.0.1:8080/\">Back to checkout</a>";
    for path in pages {
        assert_has(&html(path).await, &[link]);
    }
    let embedded = html(&format!("{trace}?uiEmbed=v0")).await;
    assert!(!embedded.contains("Back to"), "{embedded}");
}
