//! Tests of the buttons that send the example orders of the catalogue.

use checkout::catalogue::ROWS;
use serde_json::json;

use super::{NEWEST, answered, open, shows_a_span};

#[tokio::test]
async fn every_order_shows_its_answer_and_trace() {
    let Some((browser, mut demo)) = open().await else {
        return;
    };
    let rows = browser
        .run(
            "return [...document.querySelectorAll('button.order')].map((button, index) => {
                button.id = `order-${index}`;
                return [button.textContent, button.parentElement.querySelector('.expected').textContent]
            })",
        )
        .await;
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), ROWS.len(), "{rows:?}");
    for (index, row) in rows.iter().enumerate() {
        let (name, status) = (row[0].as_str().unwrap(), row[1].as_str().unwrap());
        let down = name == "inventory is down";
        if down {
            demo.type_line("stop inventory").await;
            demo.said(|output| output.contains("inventory is stopped"))
                .await;
        }
        browser.click(&format!("#order-{index}")).await;
        let run = "[run.querySelector('.name').textContent, run.querySelector('.badge').textContent.split(' ')[0]]";
        assert_eq!(answered(&browser, run).await, json!([name, status]));
        let kind = match &status[..1] {
            "2" => "good",
            "4" => "refused",
            _ => "failed",
        };
        assert_eq!(answered(&browser, "run.dataset.is").await, kind, "{name}");
        let body = "JSON.parse(run.querySelector('.answer pre').innerText).trace_id";
        let shown = "run.querySelector('.trace-id code').innerText";
        assert_eq!(
            answered(&browser, body).await,
            answered(&browser, shown).await
        );
        shows_a_span(&browser, NEWEST).await;
        if down {
            demo.type_line("start inventory").await;
            demo.said(|output| output.contains("inventory is back"))
                .await;
        }
    }
    browser.close().await;
}

#[tokio::test]
async fn slow_order_shows_progress() {
    let Some((browser, _demo)) = open().await else {
        return;
    };
    browser.click("[data-text*='item-stuck']").await;
    let clock = "document.querySelector('.run.running .took')?.textContent";
    let first = browser.until(clock).await;
    let goes_on = format!("{clock} && {clock} !== '{}'", first.as_str().unwrap());
    browser.until(&goes_on).await;
    assert_eq!(browser.text(".run.running .badge").await, "running");
    let said =
        "document.querySelector('[role=status]').textContent.includes('item-stuck: running')";
    browser.until(said).await;
    let said = "document.querySelector('[role=status]').textContent.includes('item-stuck: 504')";
    browser.until(said).await;
    assert_eq!(answered(&browser, "run.dataset.is").await, "failed");
    browser.close().await;
}

#[tokio::test]
async fn failed_answer_shows_problem_and_copies_id() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    let permissions = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": demo.url("checkout")});
    browser
        .devtools("Browser.grantPermissions", permissions)
        .await;
    browser.click("[data-text*='item-corrupt']").await;
    answered(&browser, "true").await;
    let happened = browser.text(".happened").await;
    assert!(happened.contains("inventory_failed"), "{happened}");
    let id = browser.text(".trace-id code").await;
    browser.click(".trace-id .copy").await;
    browser
        .until("document.querySelector('.trace-id .copy').textContent === 'copied'")
        .await;
    let copied = "navigator.clipboard.readText().then(arguments[0])";
    let copied = browser.client.execute_async(copied, Vec::new()).await;
    assert_eq!(copied.unwrap(), json!(id));
    let links = "[...run.querySelectorAll('a')].map(link => link.href)";
    let link = format!("{}/trace/{id}", demo.url("traces"));
    assert_eq!(answered(&browser, links).await, json!([link]));
    browser.close().await;
}

#[tokio::test]
async fn last_ten_runs_stay_with_one_frame() {
    let Some((browser, _demo)) = open().await else {
        return;
    };
    for _ in 0..12 {
        browser.click("[data-text*='item-123']").await;
        answered(&browser, "true").await;
    }
    let count = "return document.querySelectorAll('.run').length";
    assert_eq!(browser.run(count).await, 10);
    browser
        .until("document.querySelectorAll('iframe').length === 1")
        .await;
    browser.click(".run:last-child > summary").await;
    shows_a_span(&browser, ".run:last-child").await;
    browser
        .until("document.querySelectorAll('iframe').length === 1 && !document.querySelector('.run:first-child').open")
        .await;
    browser.close().await;
}

#[tokio::test]
async fn stopped_checkout_is_reported() {
    let Some((browser, mut demo)) = open().await else {
        return;
    };
    demo.type_line("stop checkout").await;
    demo.said(|output| output.contains("checkout is stopped"))
        .await;
    browser.click("[data-text*='item-123']").await;
    assert_eq!(
        answered(&browser, "run.querySelector('.badge').textContent").await,
        "no answer"
    );
    let happened = browser.text(".answer pre").await;
    assert!(
        happened.contains("Is checkout still running?"),
        "{happened}"
    );
    // The browser logs the refused connection as a console error, which this test expects.
    let errors = browser.notes().await.errors;
    assert!(
        errors
            .iter()
            .all(|error| error.contains("ERR_CONNECTION_REFUSED")),
        "{errors:?}"
    );
    browser.close().await;
}

#[tokio::test]
async fn unexpected_status_names_its_cause_and_remedy() {
    let Some((browser, mut demo)) = open().await else {
        return;
    };
    let note = "run.querySelector('.unexpected:not([hidden])')?.textContent";
    let badge = "run.querySelector('.badge').textContent";
    browser.click("[data-expects-outage] .order").await;
    let text = answered(&browser, note).await;
    let text = text.as_str().unwrap();
    for part in [
        "Expected 503, got 200.",
        "Inventory is still running.",
        "type stop inventory",
        "docker compose stop inventory",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(answered(&browser, badge).await, "200 OK, expected 503");

    demo.type_line("stop inventory").await;
    demo.said(|output| output.contains("inventory is stopped"))
        .await;
    browser.click("[data-expects-outage] .order").await;
    assert_eq!(answered(&browser, note).await, json!(null));
    browser
        .click("li:not([data-expects-outage]) [data-text*='item-123']")
        .await;
    let text = answered(&browser, note).await;
    let text = text.as_str().unwrap();
    assert!(text.contains("Expected 200, got 503."), "{text}");
    assert!(text.contains("type start inventory"), "{text}");
    browser.close().await;
}
