//! Tests of checkout's page: its buttons and their results.

use serde_json::{Value, json};

use crate::{browser::Browser, command::Demo};

mod frames;
mod looks;
mod orders;
mod pitfalls;

/// Starts a demo and opens its page. Returns `None` if no browser is installed.
async fn open() -> Option<(Browser, Demo)> {
    let browser = Browser::open().await?;
    let demo = Demo::start().await;
    browser.go(demo.url("checkout")).await;
    Some((browser, demo))
}

/// Selector of the newest run on the page. A run is the result of one click.
const NEWEST: &str = "#runs > .run:first-child";

/// Waits until the newest run has its response, then evaluates a JavaScript expression in which `run` is the element of
/// that run.
async fn answered(browser: &Browser, expression: &str) -> Value {
    let ready = format!("document.querySelector('{NEWEST}:not(.running)') !== null");
    browser.until(&ready).await;
    let script = format!("const run = document.querySelector('{NEWEST}'); return {expression}");
    browser.run(&script).await
}

/// Waits until every request is answered and each frame shows a span.
pub(crate) async fn settled(browser: &Browser) {
    browser
        .until(
            "!document.querySelector('.running') && document.querySelector('.trace[data-trace]')",
        )
        .await;
    let count = "return document.querySelectorAll('.run[open] .trace[data-trace]').length";
    let count = browser.run(count).await.as_u64().unwrap();
    assert!(count > 0, "no trace to wait for");
    for number in 0..count {
        // Sets an id on the frame, so that a selector can match the frame.
        let mark = "document.querySelectorAll('.run[open] .trace[data-trace]')[arguments[0]].id = `trace-${arguments[0]}`";
        let arguments = vec![json!(number)];
        browser.client.execute(mark, arguments).await.unwrap();
        shows_a_span(browser, &format!("#trace-{number}")).await;
    }
}

/// Waits until the frame of the trace that matches the selector shows a span.
async fn shows_a_span(browser: &Browser, trace: &str) {
    let spans = "/SERVER|CLIENT|INTERNAL/.test(document.body.textContent)";
    browser
        .until_in_frame(&format!("{trace} iframe"), spans)
        .await;
}
