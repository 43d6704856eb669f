//! Tests of the page's accessibility, its layout at several widths, and its behavior without JavaScript.

use serde_json::json;

use super::{NEWEST, answered, open, settled};
use crate::axe::assert_accessible;

#[tokio::test]
async fn page_is_accessible_in_every_state() {
    let Some((browser, _demo)) = open().await else {
        return;
    };
    assert_accessible(&browser, "nothing sent").await;
    browser
        .run("document.querySelectorAll('details').forEach(it => it.open = true)")
        .await;
    assert_accessible(&browser, "all unfolded").await;
    for button in [
        "[data-text*='item-123']",
        "[data-text*='item-sold-out']",
        "[data-text*='item-corrupt']",
        "[data-name=severed-context] .broken",
        "[data-name=severed-context] .fixed",
        "[data-name=leaked-task] .broken",
    ] {
        browser.click(button).await;
        settled(&browser).await;
        assert_accessible(&browser, button).await;
    }
    browser.click("[data-text*='item-stuck']").await;
    browser.element(".running").await;
    assert_accessible(&browser, "running").await;
    browser.size(390, 844).await;
    assert_accessible(&browser, "narrow").await;
    browser.close().await;
}

#[tokio::test]
async fn page_fits_every_width() {
    let Some((browser, _demo)) = open().await else {
        return;
    };
    browser.click("[data-name=blocking-work] .broken").await;
    answered(&browser, "true").await;
    browser.click("[data-name=blocking-work] .fixed").await;
    browser
        .until("document.querySelectorAll('.run[open] .form').length === 2")
        .await;
    for width in [390, 768, 1000, 1600, 2560] {
        browser.size(width, 900).await;
        let beyond = "return [...document.querySelectorAll('body, body *')].filter(it =>
            it.checkVisibility() && it.getBoundingClientRect().right > innerWidth + 1).map(it => it.outerHTML.slice(0, 80))";
        assert_eq!(browser.run(beyond).await, json!([]), "{width} px");
        let buttons =
            "return [...document.querySelectorAll('button')].filter(it => it.checkVisibility())
            .filter(it => it.getBoundingClientRect().height < 24).map(it => it.outerHTML)";
        assert_eq!(browser.run(buttons).await, json!([]), "{width} px");
    }
    browser.close().await;
}

#[tokio::test]
async fn frame_shows_every_row_without_scrolling() {
    let Some((browser, _demo)) = open().await else {
        return;
    };
    for width in [390, 1440, 2560] {
        browser.size(width, 900).await;
        browser.click("[data-text*='item-corrupt']").await;
        settled(&browser).await;
        let whole = "document.querySelectorAll('.rows > li').length === 5
            && document.documentElement.scrollHeight <= innerHeight
            && document.documentElement.scrollWidth <= innerWidth
            && [...document.querySelectorAll('.n, .n *')].every(it => it.scrollWidth <= it.clientWidth || it.clientWidth === 0)";
        browser
            .until_in_frame(&format!("{NEWEST} iframe"), whole)
            .await;
    }
    browser.close().await;
}

#[tokio::test]
async fn failure_differs_from_success() {
    let Some((browser, _demo)) = open().await else {
        return;
    };
    let mut looks = Vec::new();
    for item in ["item-123", "item-sold-out", "item-corrupt"] {
        browser.click(&format!("[data-text*='{item}']")).await;
        let look = "(style => [style(run).borderLeftColor, style(run.querySelector('.badge'), '::before').content])
            (getComputedStyle)";
        looks.push(answered(&browser, look).await);
    }
    for (first, second) in [(0, 1), (0, 2), (1, 2)] {
        assert_ne!(looks[first][0], looks[second][0], "color");
        assert_ne!(looks[first][1], looks[second][1], "sign");
    }
    browser.close().await;
}

#[tokio::test]
async fn opening_page_adds_no_trace_or_request() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    let requests = browser.notes().await.requests;
    let page = format!("{}/", demo.url("checkout"));
    let outgoing: Vec<_> = requests
        .iter()
        .filter(|url| url.starts_with("http"))
        .collect();
    assert_eq!(outgoing, [&page]);
    // If opening the page created a trace, that trace would be listed before the trace of the order.
    browser.click("[data-text*='item-123']").await;
    settled(&browser).await;
    browser.go(demo.url("traces")).await;
    let traces = "return new Set([...document.querySelectorAll('a[href*=\"/trace/\"]')].map(a => a.pathname)).size";
    assert_eq!(browser.run(traces).await, 1);
    browser.close().await;
}

#[tokio::test]
async fn page_without_javascript_runs_pitfalls() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    browser.without_javascript().await;
    browser.go(demo.url("checkout")).await;
    let text = browser.text("body").await;
    for part in [
        "Follow a request",
        "How to read a trace",
        "item-corrupt",
        "the same with curl",
        "Without JavaScript",
        "orphan",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let dead = "return [...document.querySelectorAll('button')].filter(it => it.checkVisibility() && !it.form).length";
    assert_eq!(browser.run(dead).await, 0, "no button that does nothing");
    browser.click(".rows .curl summary").await;
    let curl = browser.text(".rows .curl pre").await;
    let base = demo.url("checkout");
    let starts = format!("curl -i {base}/checkout -H 'content-type: application/json' -d");
    assert!(curl.starts_with(&starts), "{curl}");
    browser.with_javascript().await;
    assert_accessible(&browser, "without JavaScript").await;

    browser.without_javascript().await;
    browser.click("[data-name=raw-client] .broken").await;
    browser
        .until("document.body.innerText.includes('\"orphans\":[{')")
        .await;
    browser.close().await;
}
