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
    settled(&browser).await;
    browser.close().await;
}

/// Waits until every request is answered and every frame shows a span.
pub(crate) async fn settled(browser: &Browser) {
    browser.until("!document.querySelector('.running')").await;
    let frames = browser.run("return document.querySelectorAll('.trace[data-trace]').length");
    for number in 0..frames.await.as_u64().unwrap() {
        let mark = format!(
            "document.querySelectorAll('.trace[data-trace]')[{number}].id = 'frame-{number}'"
        );
        browser.run(&mark).await;
        let frame = format!("#frame-{number} iframe");
        let spans = "/(SERVER|CLIENT|INTERNAL)/i.test(document.body.innerText)";
        browser.until_in_frame(&frame, spans).await;
    }
}
