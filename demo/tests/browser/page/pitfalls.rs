//! Tests of the pitfalls on checkout's page: broken, fixed, and side by side.

use serde_json::json;

use super::{NEWEST, answered, open, shows_a_span};

#[tokio::test]
async fn every_pitfall_shows_orphans_until_fixed() {
    let Some((browser, _demo)) = open().await else {
        return;
    };
    let names = browser
        .run("return [...document.querySelectorAll('.pitfall:has(form)')].map(row => row.dataset.name)")
        .await;
    let expected = checkout::pitfall_names().filter(|name| *name != "unflushed-exit");
    assert_eq!(names, json!(expected.collect::<Vec<_>>()));
    for name in names.as_array().unwrap() {
        let name = name.as_str().unwrap();
        browser.click(&format!("[data-name={name}] .broken")).await;
        // The page shows a frame for each trace that the response mentions.
        let traces = "new Set(JSON.parse(run.querySelector('.answer pre').textContent).orphans.map(it => it.trace_id)).size";
        let orphans = answered(&browser, traces).await.as_u64().unwrap();
        assert_eq!(orphans == 0, name == "leaked-task", "{name}");
        let facts =
            "[run.querySelector('h3').textContent.trim(), run.querySelectorAll('.orphan').length,
            run.querySelectorAll('.nowhere').length, run.querySelectorAll('.own').length]";
        assert_eq!(
            answered(&browser, facts).await,
            json!(["Broken trace broken", orphans, u8::from(orphans == 0), 1]),
            "{name}"
        );
        shows_a_span(&browser, &format!("{NEWEST} .own")).await;
        if orphans > 0 {
            shows_a_span(&browser, &format!("{NEWEST} .orphan")).await;
            let apart = "new Set([...run.querySelectorAll('[data-trace]')].map(trace => trace.dataset.trace)).size";
            assert_eq!(answered(&browser, apart).await, orphans + 1, "{name}");
        }

        browser.click(&format!("[data-name={name}] .fixed")).await;
        browser
            .until("document.querySelectorAll('.run[open] .form').length === 2")
            .await;
        let fixed = "[run.querySelector('.form:last-child h3').textContent.trim(),
            run.querySelectorAll('.form:last-child .trace').length,
            run.querySelector('.form:first-child h3').textContent.trim()]";
        assert_eq!(
            answered(&browser, fixed).await,
            json!(["Fixed trace whole", 1, "Broken trace broken"]),
            "{name}"
        );
        shows_a_span(&browser, &format!("{NEWEST} .form:last-child .own")).await;
        for (form, heading) in [("first", "What was wrong"), ("last", "The fix")] {
            let part = format!("{NEWEST} .form:{form}-child");
            let lesson = browser.text(&format!("{part} .lesson")).await;
            assert!(lesson.contains(heading), "{lesson}");
            assert!(lesson.contains("checkout/src/pitfalls/"), "{lesson}");
            let code = browser.text(&format!("{part} .lesson pre")).await;
            assert!(code.contains("let ") || code.contains("client"), "{code}");
        }
        let above = "[...run.querySelectorAll('.form')].every(form =>
            form.querySelector('.lesson').getBoundingClientRect().bottom <= form.querySelector('.traces').getBoundingClientRect().top)";
        assert_eq!(answered(&browser, above).await, true, "{name}");
    }
    browser.close().await;
}

#[tokio::test]
async fn broken_form_is_left_of_fixed_form() {
    let Some((browser, _demo)) = open().await else {
        return;
    };
    browser.click("[data-name=raw-client] .fixed").await;
    answered(&browser, "true").await;
    browser.click("[data-name=raw-client] .broken").await;
    browser
        .until("document.querySelectorAll('.run[open] .form').length === 2")
        .await;
    let sides =
        "[...run.querySelectorAll('.form')].map(form => form.querySelector('.which').textContent)";
    assert_eq!(answered(&browser, sides).await, json!(["Broken", "Fixed"]));
    let beside = "(([broken, fixed]) => broken.right <= fixed.left && broken.top === fixed.top)(
        [...run.querySelectorAll('.form')].map(form => form.getBoundingClientRect()))";
    assert_eq!(answered(&browser, beside).await, true);
    // A second click on the button adds a second run to the page.
    browser.click("[data-name=raw-client] .broken").await;
    browser
        .until("document.querySelectorAll('.run').length === 2")
        .await;
    browser.close().await;
}

#[tokio::test]
async fn process_pitfall_shows_commands() {
    let Some((browser, _demo)) = open().await else {
        return;
    };
    let commands = "return [...document.querySelectorAll('[data-name=unflushed-exit] .command pre')].map(pre => pre.innerText)";
    assert_eq!(
        browser.run(commands).await,
        json!([
            "cargo run -p checkout --example unflushed_exit",
            "cargo run -p checkout --example unflushed_exit -- --fixed"
        ])
    );
    browser.close().await;
}

#[tokio::test]
async fn one_button_runs_both_forms() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    for runs in [1, 2] {
        browser.click("[data-name=raw-client] .both").await;
        let count = format!(
            "document.querySelectorAll('.run').length === {runs} && !document.querySelector('.running')"
        );
        browser.until(&count).await;
        browser
            .until("document.querySelectorAll('.run[open] .form').length === 2")
            .await;
        let badges = "[...run.querySelectorAll('.form .badge')].map(badge => badge.textContent)";
        assert_eq!(
            answered(&browser, badges).await,
            json!(["trace broken", "trace whole"])
        );
    }
    let source = browser.element(&format!("{NEWEST} .source a")).await;
    let source = source.attr("href").await.unwrap().unwrap();
    browser
        .go(&format!("{}/{source}", demo.url("checkout")))
        .await;
    let text = browser.text("body").await;
    assert!(
        text.contains("async fn broken(") && text.contains("async fn fixed("),
        "{text}"
    );
    browser.close().await;
}

#[tokio::test]
async fn first_screen_links_to_every_section() {
    let Some((browser, _demo)) = open().await else {
        return;
    };
    for (width, height) in [(1440, 900), (390, 844)] {
        browser.size(width, height).await;
        let sections = "return [...document.querySelectorAll('nav a[href^=\"#\"]')].map(link => [link.textContent,
            link.getBoundingClientRect().bottom < innerHeight, document.querySelector(link.hash)?.textContent])";
        let section = |link: &str, heading: &str| json!([link, true, heading]);
        assert_eq!(
            browser.run(sections).await,
            json!([
                section("Send an order", "Send an order"),
                section("Break a trace", "Break a trace"),
                section("Send a bad request", "Send a bad request"),
                section("How to read a trace", "How to read a trace"),
            ])
        );
        browser.click("nav a[href='#pitfalls']").await;
        browser
            .until(
                "document.querySelector('#pitfalls').getBoundingClientRect().top < innerHeight / 2",
            )
            .await;
        browser.run("scrollTo(0, 0)").await;
    }
    browser.close().await;
}
