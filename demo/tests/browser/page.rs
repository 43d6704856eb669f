//! Checkout's page.

use crate::{browser::Browser, command::Demo};

#[tokio::test]
async fn button_sends_an_order_and_shows_the_answer() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let demo = Demo::start().await;
    browser.go(demo.url("checkout")).await;
    browser.click("button").await;
    browser
        .until("document.body.innerText.includes('200 after')")
        .await;
    browser.close().await;
}
