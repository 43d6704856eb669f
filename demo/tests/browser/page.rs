//! Checkout's page: what its buttons do, and what stands there then.

use serde_json::{Value, json};

use crate::{browser::Browser, command::Demo};

mod frames;
mod looks;
mod orders;
mod pitfalls;

/// The page of a demo of its own; `None`, and a word why, where there is no browser.
async fn open() -> Option<(Browser, Demo)> {
    let browser = Browser::open().await?;
    let demo = Demo::start().await;
    browser.go(demo.url("checkout")).await;
    Some((browser, demo))
}

/// The newest run.
const NEWEST: &str = "#runs > .run:first-child";

/// A fact about the newest run once it is answered: what the JavaScript expression is, in which `run` is the run.
async fn answered(browser: &Browser, expression: &str) -> Value {
    let ready = format!("document.querySelector('{NEWEST}:not(.running)') !== null");
    browser.until(&ready).await;
    let script = format!("const run = document.querySelector('{NEWEST}'); return {expression}");
    browser.run(&script).await
}

/// Waits until every request is answered and each frame shows at least one span.
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
        // Marked, as the selector of a frame has to name one.
        let mark = "document.querySelectorAll('.run[open] .trace[data-trace]')[arguments[0]].id = `trace-${arguments[0]}`";
        let arguments = vec![json!(number)];
        browser.client.execute(mark, arguments).await.unwrap();
        shows_a_span(browser, &format!("#trace-{number}")).await;
    }
}

/// Waits until the trace that the selector finds shows a span of a service in its frame.
async fn shows_a_span(browser: &Browser, trace: &str) {
    let spans = "/SERVER|CLIENT|INTERNAL/.test(document.body.textContent)";
    browser
        .until_in_frame(&format!("{trace} iframe"), spans)
        .await;
}
