//! Tests of the viewer's list of traces.

use super::{assert_same_page, assert_true, mark_page, open, order, post, press, press_enter};

#[tokio::test]
async fn list_filter_applies_while_typing_and_updates_url() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    order(&demo, "item-123").await;
    let corrupt = order(&demo, "item-corrupt").await;
    post(&demo, "/pitfalls/detached-task", "").await;
    browser.go(demo.url("traces")).await;
    browser
        .until("document.querySelectorAll('.traces > li').length === 4")
        .await;
    mark_page(&browser).await;

    browser
        .element("#q")
        .await
        .send_keys("stock of `item-corrupt`")
        .await
        .unwrap();
    browser
        .until("document.querySelectorAll('.traces > li').length === 1")
        .await;
    assert_true(
        &browser
            .run(&format!(
                "return document.querySelector('.traces > li').id === '{corrupt}'"
            ))
            .await,
        "the listed trace is the corrupt one",
    );
    browser
        .until("location.search.includes('item-corrupt')")
        .await;
    assert_true(
        &browser
            .run("return document.activeElement.id === 'q'")
            .await,
        "typing goes on",
    );
    assert_same_page(&browser).await;
    let url = browser.client.current_url().await.unwrap();
    browser.go(url.as_str()).await;
    browser
        .until("document.querySelectorAll('.traces > li').length === 1")
        .await;

    browser.go(demo.url("traces")).await;
    browser.click("[name=error]").await;
    browser
        .until("document.querySelectorAll('.traces > li').length === 1")
        .await;
    browser.click("[name=error]").await;
    browser
        .until("document.querySelectorAll('.traces > li').length === 4")
        .await;
    browser.run("document.querySelector('[name=service]').value = 'inventory';
        document.querySelector('[name=service]').dispatchEvent(new Event('input', {bubbles: true}))").await;
    browser
        .until("document.querySelectorAll('.traces > li').length === 2")
        .await;
    browser.close().await;
}

#[tokio::test]
async fn new_trace_appears_without_reload() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    browser.go(demo.url("traces")).await;
    browser
        .until("document.body.innerText.includes('No span has arrived yet')")
        .await;
    let trace = order(&demo, "item-123").await;
    browser
        .until(&format!("document.getElementById('{trace}')"))
        .await;
    browser
        .until("document.getElementById('live').textContent === 'live'")
        .await;
    post(&demo, "/pitfalls/raw-client", "").await;
    browser
        .until("document.querySelectorAll('.traces > li').length === 3")
        .await;
    let text = browser.text(".traces").await;
    assert!(text.contains("pitfall raw-client"), "{text}");
    assert!(text.contains("lost by pitfall raw-client"), "{text}");
    browser.close().await;
}

#[tokio::test]
async fn keys_select_and_open_traces() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    let corrupt = order(&demo, "item-corrupt").await;
    order(&demo, "item-123").await;
    order(&demo, "item-123").await;
    browser.go(demo.url("traces")).await;
    browser
        .until("document.querySelectorAll('.traces > li').length === 3")
        .await;
    let focused =
        "return [...document.querySelectorAll('.traces a.r')].indexOf(document.activeElement)";
    for (key, at) in [("j", 0), ("j", 1), ("k", 0), ("e", 2)] {
        press(&browser, key).await;
        assert_eq!(browser.run(focused).await, at, "after {key}");
    }
    press_enter(&browser).await;
    browser
        .until(&format!("location.pathname === '/trace/{corrupt}'"))
        .await;
    press(&browser, "/").await;
    assert_true(
        &browser
            .run("return document.activeElement.id === 'q'")
            .await,
        "/ leads to the search",
    );
    browser.close().await;
}
