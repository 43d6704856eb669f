//! Tests of the browser test harness: it must detect the problems that the other tests rely on it to detect.

use std::net::Ipv4Addr;

use axum::{Router, response::Html, routing::get};
use rustix::process::{Pid, test_kill_process_group};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{axe, browser::Browser};

#[tokio::test]
async fn console_error_is_noted() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let page =
        Page::serve("<title>broken</title><script>throw new Error('on purpose')</script>").await;
    browser.go(&page.url).await;
    let notes = browser.notes().await;
    assert_eq!(notes.errors.len(), 1, "{notes:?}");
    assert!(notes.errors[0].contains("on purpose"), "{notes:?}");
    // `close` checks only errors since the last call of `notes`, so it does not report the first error again.
    browser.close().await;
}

#[tokio::test]
async fn request_to_another_host_is_noted() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let page =
        Page::serve("<img src='/own.png'><img src='http://elsewhere.test/tracker.png'>").await;
    browser.go(&page.url).await;
    let notes = browser.notes().await;
    assert_eq!(notes.foreign(), ["http://elsewhere.test/tracker.png"]);
    let own = notes
        .requests
        .iter()
        .filter(|url| url.ends_with("/own.png"));
    assert_eq!(own.count(), 1, "{notes:?}");
    browser.close().await;
}

#[tokio::test]
async fn axe_reports_low_contrast_with_location() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let page = Page::serve(
        "<title>pale</title><main><h1>pale</h1><p id=pale style='color: #ccc; background: #fff'>pale</p></main>",
    ).await;
    browser.go(&page.url).await;
    if let Some(violations) = axe::violations(&browser).await {
        assert!(violations.contains("color-contrast"), "{violations}");
        assert!(violations.contains("#pale"), "{violations}");
        assert_eq!(violations.matches(" at [").count(), 1, "{violations}");
    }
    browser.close().await;
}

#[tokio::test]
async fn frame_can_be_entered_in_dark_mode() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let page = Page::serve(
        "<title>frame</title><main><h1>around</h1><iframe title=inner
        srcdoc=\"<!doctype html><html lang=en><title>inner</title>
        <style>:root { color-scheme: light dark }</style><main><h1>inside</h1></main>\"></iframe></main>",
    )
    .await;
    browser.go(&page.url).await;
    axe::assert_accessible(&browser, "around").await;
    browser.enter_frame("iframe").await;
    axe::assert_accessible(&browser, "inside").await;
    assert_eq!(browser.text("h1").await, "inside");
    let color = "return getComputedStyle(document.documentElement).color";
    let light = browser.run(color).await;
    browser.dark(true).await;
    assert_ne!(browser.run(color).await, light);
    browser.close().await;
}

#[tokio::test]
async fn disabled_javascript_does_not_run() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let page = Page::serve(
        "<p id=p>as sent</p><script>document.getElementById('p').textContent = 'changed'</script>",
    )
    .await;
    browser.go(&page.url).await;
    assert_eq!(browser.text("#p").await, "changed");
    browser.without_javascript().await;
    browser.go(&page.url).await;
    assert_eq!(browser.text("#p").await, "as sent");
    browser.close().await;
}

#[tokio::test]
async fn dropped_browser_leaves_no_process() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let group = browser.process_group();
    assert!(is_alive(group));
    drop(browser);
    let gone = async {
        let mut pause = tokio::time::interval(std::time::Duration::from_millis(25));
        while is_alive(group) {
            pause.tick().await;
        }
    };
    let gone = tokio::time::timeout(crate::command::TIMEOUT, gone).await;
    gone.expect("every process of the group exits");
}

fn is_alive(group: Pid) -> bool {
    test_kill_process_group(group).is_ok()
}

/// A test server with one HTML page.
struct Page {
    url: String,
    _server: JoinSet<()>,
}

impl Page {
    async fn serve(html: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let html = format!("<!doctype html><html lang=en><link rel=icon href='data:,'>{html}");
        let router = Router::new().route("/", get(async move || Html(html)));
        let mut server = JoinSet::new();
        #[expect(
            clippy::disallowed_methods,
            reason = "test servers are not traced, and the `JoinSet` ends them"
        )]
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            _server: server,
        }
    }
}
