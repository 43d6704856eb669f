//! Tests that times are shown in the browser's time zone, or in UTC without JavaScript.

use serde_json::json;

use super::{assert_same_page, mark_page, open};
use crate::viewer::sender::{BEGIN, send, span};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn times_are_local_and_name_zone() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    let zone = json!({"timezoneId": "Asia/Kolkata"});
    browser
        .devtools("Emulation.setTimezoneOverride", zone)
        .await;
    send(&demo, vec![span(TRACE, 1, None, "root", [0, 100])]).await;
    let local = format!(
        "new Date({BEGIN} + 5.5 * 3600000).toISOString().replace('T', ' ').replace('Z', ' GMT+5:30')"
    );
    let local = browser.run(&format!("return {local}")).await;
    let local = local.as_str().unwrap();

    browser.go(demo.url("traces")).await;
    assert_eq!(browser.text(".traces time").await, local[11..23]);
    let hint = browser.text(".title .hint").await;
    assert!(hint.ends_with("times are GMT+5:30"), "{hint}");

    let trace = format!("{}/trace/{TRACE}", demo.url("traces"));
    browser.go(&trace).await;
    assert_eq!(browser.text(".begun time").await, local);
    // After a live update, times are still shown in the same time zone.
    mark_page(&browser).await;
    send(&demo, vec![span(TRACE, 2, Some(1), "child", [20, 40])]).await;
    browser
        .until("document.querySelectorAll('.rows > li').length === 2")
        .await;
    assert_same_page(&browser).await;
    assert_eq!(browser.text(".begun time").await, local);

    browser.without_javascript().await;
    browser.go(&trace).await;
    let utc = browser.text(".begun time").await;
    assert!(utc.ends_with(" UTC"), "{utc}");
    assert_ne!(utc[11..23], local[11..23]);
    browser.close().await;
}

#[tokio::test]
async fn back_link_leads_to_checkout_without_javascript() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    send(&demo, vec![span(TRACE, 1, None, "root", [0, 100])]).await;
    browser.without_javascript().await;
    browser
        .go(&format!("{}/trace/{TRACE}", demo.url("traces")))
        .await;
    browser.click("nav a[href^='http']").await;
    let checkout = format!("{}/", demo.url("checkout"));
    while browser.client.current_url().await.unwrap().as_str() != checkout {
        browser.element("body").await;
    }
    assert!(browser.text("body").await.contains("Follow a request"));
    browser.close().await;
}
