//! Tests of the trace viewer, with traces of real requests and with handcrafted spans.

mod hostile;
mod list;
mod live;
mod look;
mod sender;
mod times;
mod trace;

use serde_json::Value;

use crate::{
    browser::Browser,
    command::{Demo, TIMEOUT},
};

/// Sends a request to checkout.
pub(crate) async fn post(demo: &Demo, path: &str, body: &str) -> Value {
    #[expect(
        clippy::disallowed_methods,
        reason = "the client is outside of the traced services"
    )]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(format!("{}{path}", demo.url("checkout")))
        .header("content-type", "application/json")
        .body(body.to_owned())
        .timeout(TIMEOUT);
    request.send().await.unwrap().json().await.unwrap()
}

/// Orders an item and returns the trace id.
pub(crate) async fn order(demo: &Demo, item: &str) -> String {
    let answer = post(demo, "/checkout", &format!(r#"{{"item_id":"{item}"}}"#)).await;
    answer["trace_id"].as_str().unwrap().to_owned()
}

/// Starts a browser and a demo. Returns `None` if no browser is installed.
async fn open() -> Option<(Browser, Demo)> {
    let browser = Browser::open().await?;
    Some((browser, Demo::start().await))
}

/// Orders an item and opens the page of its trace once all spans have arrived. Also returns the trace id.
async fn open_on(item: &str, spans: usize) -> Option<(Browser, Demo, String)> {
    let (browser, demo) = open().await?;
    let trace = order(&demo, item).await;
    browser
        .go(&format!("{}/trace/{trace}", demo.url("traces")))
        .await;
    let all_here = format!("document.querySelectorAll('.rows > li').length === {spans}");
    browser.until(&all_here).await;
    Some((browser, demo, trace))
}

/// Marks the page, so that [`assert_same_page`] can detect a reload.
async fn mark_page(browser: &Browser) {
    browser.run("window.marked = true").await;
}

async fn assert_same_page(browser: &Browser) {
    let marked = browser.run("return window.marked").await;
    assert_true(&marked, "the page was not reloaded");
}

/// Presses a key in the focused element.
async fn press(browser: &Browser, key: &str) {
    let actions = serde_json::json!({"type": "keyDown", "key": key, "text": key});
    browser.devtools("Input.dispatchKeyEvent", actions).await;
    let up = serde_json::json!({"type": "keyUp", "key": key});
    browser.devtools("Input.dispatchKeyEvent", up).await;
}

async fn press_enter(browser: &Browser) {
    let enter = serde_json::json!({"type": "keyDown", "key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13});
    browser.devtools("Input.dispatchKeyEvent", enter).await;
}

/// Asserts that the page does not scroll horizontally.
async fn assert_fits(browser: &Browser, what: &str) {
    let overflow =
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(
        browser.run(overflow).await,
        0,
        "{what} is wider than the screen"
    );
}

/// Asserts that the result of a JavaScript expression is `true`.
#[track_caller]
fn assert_true(value: &Value, what: &str) {
    assert_eq!(*value, Value::Bool(true), "{what}");
}
