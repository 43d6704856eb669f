//! Accessibility of the viewer: axe-core finds no violation, in light and dark mode, wide and narrow.

use super::sender::{send, span};
use super::{assert_fits, open, order, post};
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
        ("map", format!("{traces}/map")),
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
