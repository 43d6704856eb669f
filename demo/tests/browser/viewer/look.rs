//! Tests of the viewer's layout and accessibility in light and dark mode, wide and narrow.

use super::sender::{send, span};
use super::{assert_fits, open, open_on, order, post};
use crate::axe::assert_accessible;

#[tokio::test]
async fn viewer_pages_have_no_axe_violation() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    let traces = demo.url("traces").to_owned();
    browser.go(&traces).await;
    assert_accessible(&browser, "empty list").await;

    let corrupt = order(&demo, "item-corrupt").await;
    let good = order(&demo, "item-123").await;
    let pitfall = post(&demo, "/pitfalls/blocking-work", "").await;
    let pitfall = pitfall["trace_id"].as_str().unwrap();
    post(&demo, "/pitfalls/raw-client?fixed=true", "").await;
    browser
        .until("document.querySelectorAll('.traces > li').length === 6")
        .await;
    let odd = "4bf92f3577b34da6a3ce929d0e0e4736";
    send(
        &demo,
        vec![
            span(odd, 1, None, "root", [0, 100]),
            span(odd, 2, Some(1), "in another time", [500, 600]).of("elsewhere"),
            span(odd, 4, Some(3), "orphan", [20, 40]),
        ],
    )
    .await;
    browser.go(&format!("{traces}/trace/{corrupt}")).await;
    browser
        .until("document.querySelectorAll('.rows > li').length === 5")
        .await;
    browser.click(".failure a").await;
    browser.element(".details").await;
    let open = browser.client.current_url().await.unwrap().to_string();
    for (what, url) in [
        ("list", traces.clone()),
        (
            "filtered list",
            format!("{traces}/?q=item&min=never&error=1&service=checkout"),
        ),
        ("nothing found", format!("{traces}/?q=nowhere")),
        ("failed trace", open),
        ("good trace", format!("{traces}/trace/{good}?q=stock")),
        ("pitfall", format!("{traces}/trace/{pitfall}")),
        (
            "odd trace",
            format!("{traces}/trace/{odd}?span=0000000000000004"),
        ),
        (
            "embedded trace",
            format!("{traces}/trace/{corrupt}?uiEmbed=v0"),
        ),
        ("waiting", format!("{traces}/trace/{}", "a".repeat(32))),
        (
            "comparison",
            format!("{traces}/compare?a={corrupt}&b={good}"),
        ),
        ("no such page", format!("{traces}/nowhere")),
    ] {
        for width in [1600, 390] {
            browser.size(width, 1000).await;
            browser.go(&url).await;
            let what = format!("{what}, {width} px wide");
            assert_fits(&browser, &what).await;
            assert_accessible(&browser, &what).await;
        }
    }
    browser.close().await;
}

#[tokio::test]
async fn embedded_waterfall_shows_whole_names_and_marks() {
    let Some((browser, demo, trace)) = open_on("item-corrupt", 5).await else {
        return;
    };
    let url = format!("{}/trace/{trace}?uiEmbed=v0", demo.url("traces"));
    for width in [1440, 560, 390] {
        browser.size(width, 1000).await;
        browser.go(&url).await;
        // Finds elements that are cut off: those wider than their visible part, or outside of their row.
        let cut = "return [...document.querySelectorAll('.rows .n')].flatMap(name => {
            const box = name.getBoundingClientRect();
            return [name, ...name.querySelectorAll('b, bdi, strong')].filter(part =>
                part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display !== 'inline'
                || part.getBoundingClientRect().right > box.right + 1
                || part.getBoundingClientRect().bottom > box.bottom + 1).map(part => part.textContent)
        })";
        assert_eq!(browser.run(cut).await, serde_json::json!([]), "{width} px");
        let names = browser.text(".rows").await;
        for text in ["GET /check/{item_id}", "SELECT stock", "panic"] {
            assert!(names.contains(text), "{width} px: {text} in {names}");
        }
        let legend = browser.text(".waterfall .legend").await;
        for mark in ["critical path", "log line", "event", "exception"] {
            assert!(legend.contains(mark), "{width} px: {mark} in {legend}");
        }
        assert_fits(&browser, &format!("embedded, {width} px")).await;
    }
    browser.close().await;
}
