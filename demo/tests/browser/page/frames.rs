//! Tests of the frame that shows a trace, with a fake trace UI instead of the demo's viewer.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Html,
    routing::get,
};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
    process::{Child, Command},
    task::JoinSet,
};

use super::{NEWEST, answered, open};
use crate::browser::Browser;

#[tokio::test]
async fn static_trace_ui_is_reloaded_until_trace_exists() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let ui = TraceUi::start("<p>found</p>", 2).await;
    let checkout = Checkout::start(&ui.url).await;
    browser.go(&checkout.url).await;
    browser.click("[data-text*='item-123']").await;
    let found =
        "document.body.innerText.includes('found') && !document.body.innerText.includes('not')";
    browser.until_in_frame(".run iframe", found).await;
    // The button reloads the frame, and the old content stays until the new content is loaded.
    let asked = ui.asked.load(Ordering::SeqCst);
    browser.click(".again").await;
    browser.until_in_frame(".run iframe", found).await;
    while ui.asked.load(Ordering::SeqCst) == asked {
        browser
            .until("document.querySelector('.frame iframe')")
            .await;
    }
    browser.close().await;
}

#[tokio::test]
async fn live_trace_sets_frame_height_without_reload() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let live = "<script>parent.postMessage({ traceHeight: 321 }, '*')</script><p>live</p>";
    let ui = TraceUi::start(live, 0).await;
    let checkout = Checkout::start(&ui.url).await;
    browser.go(&checkout.url).await;
    browser.click("[data-text*='item-123']").await;
    browser
        .until("document.querySelector('.run iframe')?.getBoundingClientRect().height === 321")
        .await;
    let alone = "again(document.querySelector('.frame'), true); return document.querySelectorAll('iframe').length";
    assert_eq!(browser.run(alone).await, 1);
    browser.close().await;
}

#[tokio::test]
async fn message_from_other_origin_is_ignored() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let ui = TraceUi::start("<p>still</p>", 0).await;
    let checkout = Checkout::start(&ui.url).await;
    browser.go(&checkout.url).await;
    browser.click("[data-text*='item-123']").await;
    answered(&browser, "true").await;
    let height = "document.querySelector('.run iframe')?.getBoundingClientRect().height";
    let before = browser.until(height).await;
    // Messages from the page itself have another origin than the trace UI, so the page ignores them.
    let own = "window.postMessage({ traceHeight: 5 }, '*'); return true";
    browser.run(own).await;
    browser
        .run("document.querySelector('iframe').contentWindow.postMessage({ traceHeight: 5 }, '*')")
        .await;
    assert_eq!(browser.until(height).await, before);
    browser.close().await;
}

#[tokio::test]
async fn first_waterfall_appears_soon_after_answer() {
    let Some((browser, _demo)) = open().await else {
        return;
    };
    let mut waits = Vec::new();
    for _ in 0..5 {
        let watch = "window.answered = null;
            new MutationObserver((_, observer) => {
                if (!document.querySelector('#runs > .run:first-child:not(.running)')) return;
                window.answered = Date.now();
                observer.disconnect();
            }).observe(document.getElementById('runs'), { attributes: true, subtree: true });
            document.querySelector(\"[data-text*='item-123']\").click()";
        browser.run(watch).await;
        let answered = browser.until("window.answered").await;
        let stands = "/SERVER/.test(document.body.textContent) && Date.now()";
        let frame = format!("{NEWEST} iframe");
        let stands = browser.until_in_frame(&frame, stands).await;
        waits.push(stands.as_i64().unwrap() - answered.as_i64().unwrap());
    }
    waits.sort_unstable();
    println!("from the answer to a span in the frame, in ms, five times: {waits:?}");
    // The frame shows a span after half a second on an idle machine, but other tests may run at the same time.
    assert!(waits[2] < 10_000, "{waits:?}");
    browser.close().await;
}

/// A fake trace UI that answers its first requests with 404.
struct TraceUi {
    url: String,
    asked: Arc<AtomicUsize>,
    _server: JoinSet<()>,
}

impl TraceUi {
    async fn start(html: &'static str, missing: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let show = async move |State(asked): State<Arc<AtomicUsize>>,
                               Path(id): Path<String>,
                               Query(query): Query<HashMap<String, String>>| {
            assert_eq!(id.len(), 32, "{id}");
            assert_eq!(query["uiEmbed"], "v0");
            for hidden in ["CollapseTitle", "HideMinimap", "HideSummary"] {
                assert_eq!(query[&format!("uiTimeline{hidden}")], "1");
            }
            if asked.fetch_add(1, Ordering::SeqCst) < missing {
                (StatusCode::NOT_FOUND, Html("<p>not found</p>"))
            } else {
                (StatusCode::OK, Html(html))
            }
        };
        let router = Router::new()
            .route("/trace/{id}", get(show))
            .with_state(Arc::clone(&asked));
        let mut server = JoinSet::new();
        #[expect(
            clippy::disallowed_methods,
            reason = "it is never traced, and ends with the test"
        )]
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            asked,
            _server: server,
        }
    }
}

/// A checkout process that links to the fake trace UI and cannot reach inventory. Orders fail with 503, but still have
/// a trace.
struct Checkout {
    url: String,
    _child: Child,
}

impl Checkout {
    async fn start(trace_ui: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_demo"))
            .args(["service", "checkout"])
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("TRACE_UI_URL", trace_ui)
            .env("DEMO_ROUTES", "true")
            .env("INVENTORY_URL", "http://127.0.0.1:1")
            .env("OTEL_TRACES_EXPORTER", "none")
            .env("LOG_FORMAT", "json")
            .env("RUST_LOG", "info")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        loop {
            let line = lines.next_line().await.unwrap().expect("it listens");
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if line["message"] == json!("listening") {
                let address = line["address"].as_str().unwrap();
                let url = format!("http://{address}");
                return Self { url, _child: child };
            }
        }
    }
}
