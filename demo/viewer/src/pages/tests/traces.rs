//! Tests of the page of a trace.

use super::*;

fn failing() -> Vec<TestSpan> {
    let mut panicked =
        span("inventory", 2, Some(1), "GET /check/{item_id}", 10..20).failed("panic");
    let stack = "panicked at stock.rs:1\n   0: core::panicking::panic_fmt\n   1: inventory::stock::check\n   2: tokio::poll";
    panicked.span.events.push(Event {
        name: "exception".to_owned(),
        attributes: vec![
            attribute("exception.message", "stock is -1"),
            attribute("exception.stacktrace", stack),
        ],
        ..Event::default()
    });
    vec![span("checkout", 1, None, "POST /checkout", 0..40), panicked]
}

#[tokio::test]
async fn what_failed_first_leads_to_its_span() {
    let html = trace_page(failing(), "").await;
    assert_has(
        &html,
        &[
            "What failed first",
            "<strong>inventory, panic</strong>: <bdi>stock is -1</bdi>",
            "href=\"?span=0000000000000002#0000000000000002\" data-span=\"0000000000000002\"",
            "<strong>panic</strong>",
            "x=25.00% width=25.00%",
        ],
    );
    assert!(!html.contains("class=\"details\""), "no span is open");
}

#[tokio::test]
async fn span_details_show_stack_from_panicking_frame() {
    let html = trace_page(failing(), "?span=0000000000000002").await;
    assert_has(
        &html,
        &[
            "<pre tabindex=\"0\">   1: inventory::stock::check</pre>",
            "the whole stack, with 2 frames of the runtime",
            "href=\"?#0000000000000002\" aria-expanded=\"true\"",
        ],
    );
}

#[tokio::test]
async fn resource_is_shown_once_per_page() {
    let html = trace_page(failing(), "?span=0000000000000001,0000000000000002").await;
    assert_eq!(html.matches("class=\"details\"").count(), 2);
    assert_eq!(
        html.matches(">service.name<").count(),
        2,
        "one of each process"
    );
}

#[tokio::test]
async fn folded_row_hides_and_counts_descendants() {
    let spans = vec![
        span("a", 1, None, "root", 0..9),
        span("a", 2, Some(1), "branch", 1..5),
        span("a", 3, Some(2), "leaf", 2..4),
        span("a", 4, Some(1), "other", 6..7),
    ];
    let html = trace_page(spans, "?fold=0000000000000002").await;
    assert_has(
        &html,
        &[
            "branch",
            "<em>+1</em>",
            "other",
            "href=\"?#0000000000000002\"",
        ],
    );
    assert!(!html.contains("leaf"), "{html}");
}

#[tokio::test]
async fn search_marks_the_rows_it_finds() {
    let mut query = span("a", 2, Some(1), "SELECT stock", 1..2);
    query.set("db.query.text", "SELECT quantity FROM stock WHERE item = ?");
    let html = trace_page(vec![span("a", 1, None, "root", 0..9), query], "?q=QUANTITY").await;
    assert_has(
        &html,
        &[
            "1 span found",
            "id=\"0000000000000002\" class=\"s3 d1 hit\"",
        ],
    );
    assert_eq!(html.matches(" hit\"").count(), 1);
}

#[tokio::test]
async fn log_lines_are_ordered_by_time() {
    let store = holding(failing());
    for (time, role, span, message) in [
        ("12:00:00.002", "checkout", 1, "checkout failed"),
        ("12:00:00.001", "inventory", 2, "request failed"),
        ("12:00:00.003", "checkout", 9, "nobody's"),
    ] {
        let line = serde_json::json!({
            "timestamp": format!("2026-11-22T{time}000Z"), "level": "ERROR", "message": message, "item_id": "item-1",
            "trace_id": TRACE_ID, "span_id": format!("{span:016x}"),
        });
        store.log(&LogLine::parse(role, line.to_string()));
    }
    let (_, html) = page(&store, &format!("/trace/{TRACE_ID}")).await;
    let at = |text: &str| {
        html.find(text)
            .unwrap_or_else(|| panic!("{text} is not in\n{html}"))
    };
    assert!(at("request failed") < at("checkout failed"));
    assert_has(
        &html,
        &[
            "3 lines",
            "at <bdi>GET /check/{item_id}</bdi>",
            "its span is not here",
            "<b>item_id</b>=<bdi>item-1</bdi>",
        ],
    );
    let (_, open) = page(&store, &format!("/trace/{TRACE_ID}?span=0000000000000002")).await;
    assert_has(&open, &["Log lines in this span"]);
    assert_eq!(open.matches("request failed").count(), 2);
    assert_eq!(open.matches("checkout failed").count(), 1);
}

#[tokio::test]
async fn recent_missing_parent_is_expected() {
    let html = trace_page(vec![span("inventory", 2, Some(1), "early", 0..1)], "").await;
    assert_has(
        &html,
        &["Still arriving", "parent not here yet", "data-again=\""],
    );
    assert!(!html.contains("parent missing"), "{html}");
    assert_has(&html, &["<noscript><meta http-equiv=\"refresh\""]);
}

#[tokio::test]
async fn arriving_trace_has_no_warning() {
    let html = trace_page(failing(), "").await;
    assert!(!html.contains("class=\"note"), "{html}");
}

#[tokio::test]
async fn unknown_trace_is_404_and_waits() {
    for (query, navigation) in [("", true), ("?uiEmbed=v0", false)] {
        let path = format!("/trace/{TRACE_ID}{query}");
        let (status, html) = page(&Store::new(Limits::default()), &path).await;
        assert_eq!(status, 404);
        assert_has(
            &html,
            &[
                "Waiting for spans",
                &format!("data-watches=\"{TRACE_ID}\""),
                "data-again=\"2000\"",
            ],
        );
        assert_has(
            &html,
            &["<noscript><meta http-equiv=\"refresh\" content=\"2\">"],
        );
        assert_eq!(html.contains("<nav"), navigation, "{html}");
    }
}

#[tokio::test]
async fn invalid_trace_id_is_400() {
    let (status, html) = page(&Store::new(Limits::default()), "/trace/zebra").await;
    assert_eq!(status, 400);
    assert_has(&html, &["`zebra` is not a trace id"]);
}

#[tokio::test]
async fn embedded_form_has_no_navigation_and_stays_embedded() {
    let html = trace_page(failing(), "?uiEmbed=v0").await;
    assert!(!html.contains("<nav"), "{html}");
    let row = "href=\"?span=0000000000000001&amp;uiEmbed=v0#0000000000000001\"";
    assert_has(&html, &[row]);
}

#[tokio::test]
async fn pitfall_and_orphaned_trace_are_linked() {
    let mut lost = span("checkout", 1, None, "notify_warehouse", 4..5);
    lost.span.trace_id = vec![7; 16];
    let store = holding(vec![pitfall("detached-task", false, 0..9), lost]);
    let (_, html) = page(&store, &format!("/trace/{TRACE_ID}")).await;
    let other = "07".repeat(16);
    assert_has(
        &html,
        &[
            "Lost work",
            &format!("href=\"/trace/{other}\""),
            "notify_warehouse",
            "broken",
        ],
    );
    let (_, html) = page(&store, &format!("/trace/{other}")).await;
    assert_has(
        &html,
        &[
            "This work was lost",
            &format!("href=\"/trace/{TRACE_ID}\""),
            "detached-task broken",
        ],
    );
}

#[tokio::test]
async fn span_links_show_name_of_linked_trace() {
    let mut batch = span("checkout", 1, None, "batch", 0..9);
    batch.span.links.push(Link {
        trace_id: vec![7; 16],
        span_id: vec![8; 8],
        ..Link::default()
    });
    let mut job = span("checkout", 1, None, "one job", 20..21);
    job.span.trace_id = vec![7; 16];
    let html = trace_page(vec![batch, job], "?span=0000000000000001").await;
    let (trace, span) = ("07".repeat(16), "08".repeat(8));
    assert_has(
        &html,
        &[
            "A span here links to it",
            "<bdi>one job</bdi>",
            &format!("href=\"/trace/{trace}?span={span}#{span}\""),
        ],
    );
}

#[tokio::test]
async fn clock_skew_is_noted() {
    let html = trace_page(
        vec![
            span("checkout", 1, None, "call", 5_000_000..9_000_000),
            span("inventory", 2, Some(1), "serve", 2_000_000..4_000_000),
        ],
        "",
    )
    .await;
    assert_has(&html, &["The clocks disagree", "at least 3.0 ms behind"]);
}

#[tokio::test]
async fn trace_page_offers_download_and_curl() {
    let store = holding(failing());
    let url = serve(router(store.clone(), BackLink::default())).await;
    let response = client()
        .get(format!("{url}/trace/{TRACE_ID}/otlp.json"))
        .send()
        .await
        .unwrap();
    let file = format!("attachment; filename=\"trace-{TRACE_ID}.json\"");
    assert_eq!(response.headers()["content-disposition"], file.as_str());
    let text = response.text().await.unwrap();
    let data: opentelemetry_proto::tonic::trace::v1::TracesData =
        serde_json::from_str(&text).unwrap();
    assert_eq!(data.resource_spans.len(), 2);
    let (_, html) = page(&store, &format!("/trace/{TRACE_ID}")).await;
    assert_has(&html, &[&format!("/api/v3/traces/{TRACE_ID}\">copy")]);
}

#[tokio::test]
async fn two_traces_are_compared_span_by_span() {
    let mut other = span("checkout", 1, None, "POST /checkout", 0..50_000_000);
    other.span.trace_id = vec![7; 16];
    let mut spans = failing();
    spans.push(other);
    let store = holding(spans);
    let (_, html) = page(&store, &format!("/trace/{TRACE_ID}")).await;
    let b = "07".repeat(16);
    assert_has(&html, &[&format!("<option value=\"{b}\" data-time=")]);
    let (status, html) = page(&store, &format!("/compare?a={TRACE_ID}&b={b}")).await;
    assert_eq!(status, 200);
    assert_has(
        &html,
        &[
            "1 span in both, 1 in A only, 0 in B only",
            "+50.0 ms",
            "<em>A only</em>",
        ],
    );
    let (status, _) = page(
        &store,
        &format!("/compare?a={TRACE_ID}&b={}", "9".repeat(32)),
    )
    .await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn five_thousand_spans_are_less_than_two_megabytes() {
    let spans = (1..=5_000).map(|id| {
        let parent = (id > 1).then(|| id / 4 + 1).filter(|parent| *parent != id);
        span(
            "inventory",
            id,
            parent,
            "GET /check/{item_id}",
            id..id + 5_000,
        )
    });
    let html = trace_page(spans.collect(), "").await;
    assert_eq!(html.matches("<li id=").count(), 5_000);
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
}

#[tokio::test]
async fn one_row_is_had_alone() {
    let html = trace_page(failing(), "?span=0000000000000002&only=0000000000000002").await;
    assert_eq!(html.matches("<li id=").count(), 1);
    assert_has(&html, &["<li id=\"0000000000000002\"", "class=\"details\""]);
}
