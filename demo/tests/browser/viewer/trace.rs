//! Tests of the viewer's page of a trace.

use super::{assert_true, open, open_on, order, post, press, press_enter};

#[tokio::test]
async fn first_failure_link_opens_span_details() {
    let Some((browser, _demo, _)) = open_on("item-corrupt", 5).await else {
        return;
    };
    let failure = browser.text(".failure").await;
    assert!(
        failure.contains("inventory, panic: stock of `item-corrupt` is -1"),
        "{failure}"
    );
    browser.click(".failure a").await;
    browser.element(".details .exception").await;
    let stack = browser.text(".exception pre").await;
    assert!(
        stack.lines().next().unwrap().contains("inventory::stock::"),
        "{stack}"
    );
    let lines = browser.text(".details .lines").await;
    assert!(
        lines.contains("panicked") && lines.contains("inventory"),
        "{lines}"
    );
    assert!(
        !lines.contains("checkout"),
        "only lines of this span: {lines}"
    );
    let focused = "return document.activeElement.closest('li').querySelector('.details') !== null";
    assert_true(
        &browser.run(focused).await,
        "the row of the details has the focus",
    );

    browser.click(".details a[href^='#resource']").await;
    browser
        .until("document.querySelector('.resources details[open]')")
        .await;
    let resource = browser.text(".resources details[open]").await;
    assert!(
        resource.contains("service.name") && resource.contains("inventory"),
        "{resource}"
    );
    browser.client.back().await.unwrap();

    // The URL of the page opens the same span when it is shared.
    let url = browser.client.current_url().await.unwrap();
    assert!(url.query().unwrap().starts_with("span="), "{url}");
    browser.go(url.as_str()).await;
    browser.element(".details .exception").await;
    browser.close().await;
}

#[tokio::test]
async fn log_lines_link_to_their_spans() {
    let Some((browser, _demo, _)) = open_on("item-corrupt", 5).await else {
        return;
    };
    browser
        .until("document.querySelectorAll('.logs .lines a').length >= 3")
        .await;
    let lines = browser.text(".logs .lines").await;
    let (inventory, checkout) = (
        lines.find("inventory").unwrap(),
        lines.find("checkout").unwrap(),
    );
    assert!(inventory < checkout, "the callee logs first:\n{lines}");
    let times =
        "return [...document.querySelectorAll('.logs .lines time')].map(t => t.textContent)";
    let times: Vec<String> = serde_json::from_value(browser.run(times).await).unwrap();
    assert!(times.is_sorted(), "{times:?}");
    browser.click(".logs .lines li:last-child a").await;
    browser.element(".details").await;
    let opened = browser.text(".rows > li:has(.details) .n").await;
    assert!(opened.contains("POST /checkout"), "{opened}");
    browser.close().await;
}

#[tokio::test]
async fn keys_navigate_rows_and_errors() {
    let Some((browser, _demo, _)) = open_on("item-corrupt", 5).await else {
        return;
    };
    let focused =
        "return [...document.querySelectorAll('.rows a.r')].indexOf(document.activeElement)";
    for (key, at) in [
        ("j", 0),
        ("j", 1),
        ("j", 2),
        ("k", 1),
        ("e", 2),
        ("e", 3),
        ("e", 0),
    ] {
        press(&browser, key).await;
        assert_eq!(browser.run(focused).await, at, "after {key}");
    }
    press_enter(&browser).await;
    browser.element(".rows > li:first-child .details").await;
    press_enter(&browser).await;
    browser.until("!document.querySelector('.details')").await;
    browser.click(".rows > li:nth-child(2) a.f").await;
    browser
        .until("document.querySelectorAll('.rows > li').length === 2")
        .await;
    browser.until("location.search.includes('fold=')").await;
    browser.click(".rows > li:nth-child(2) a.f").await;
    browser
        .until("document.querySelectorAll('.rows > li').length === 5")
        .await;

    press(&browser, "/").await;
    browser
        .element("#q")
        .await
        .send_keys("select stock")
        .await
        .unwrap();
    browser
        .until("document.querySelectorAll('.rows > li.hit').length === 1")
        .await;
    let hit = browser.text(".hit .n").await;
    assert!(hit.contains("SELECT stock"), "{hit}");
    browser.close().await;
}

#[tokio::test]
async fn pitfall_and_orphaned_trace_link_each_other() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    let answer = post(&demo, "/pitfalls/raw-client", "").await;
    let (own, orphan) = (
        answer["trace_id"].as_str().unwrap(),
        answer["orphans"][0]["trace_id"].as_str().unwrap(),
    );
    browser
        .go(&format!("{}/trace/{own}", demo.url("traces")))
        .await;
    browser
        .element(&format!(".related a[href='/trace/{orphan}']"))
        .await;
    browser
        .client
        .goto(&format!("{}/trace/{orphan}", demo.url("traces")))
        .await
        .unwrap();
    browser
        .element(&format!(".related a[href='/trace/{own}']"))
        .await;
    let text = browser.text(".related").await;
    assert!(text.contains("raw-client broken"), "{text}");
    browser.close().await;
}

#[tokio::test]
async fn two_selected_traces_are_compared() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    let corrupt = order(&demo, "item-corrupt").await;
    let good = order(&demo, "item-123").await;
    browser
        .go(&format!("{}/trace/{corrupt}", demo.url("traces")))
        .await;
    browser.element(&format!("option[value='{good}']")).await;
    browser.click(".take form button").await;
    browser
        .until("document.querySelectorAll('.compare tbody tr').length === 10")
        .await;
    let text = browser.text(".compare").await;
    assert!(
        text.contains("B only") && text.contains("A: panic"),
        "{text}"
    );
    browser.close().await;
}

#[tokio::test]
async fn trace_page_works_without_javascript() {
    let Some((browser, demo, _)) = open_on("item-corrupt", 5).await else {
        return;
    };
    browser.without_javascript().await;
    browser
        .go(&format!("{}/?error=1&q=corrupt", demo.url("traces")))
        .await;
    browser.click(".traces a.r").await;
    browser.click(".failure a").await;
    let stack = browser.text(".exception pre").await;
    assert!(stack.contains("inventory::stock::"), "{stack}");
    browser.click(".rows > li:first-child a.f").await;
    assert_eq!(
        browser
            .run("return document.querySelectorAll('.rows > li').length")
            .await,
        1
    );
    browser.client.back().await.unwrap();
    let lines = browser.text(".logs .lines").await;
    assert!(
        lines.contains("panicked") && lines.contains("checkout failed"),
        "{lines}"
    );
    browser.close().await;
}
