//! Tests with spans that arrive while a page is open.

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::{Router, response::Html, routing::get};
use tokio::{net::TcpListener, task::JoinSet};

use super::sender::{send, span};
use super::{assert_same_page, assert_true, mark_page, open, open_on, press};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn focus_selection_and_details_survive_new_spans() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    send(
        &demo,
        vec![
            span(TRACE, 2, Some(1), "second", [20, 40]).with("note", "to be selected"),
            span(TRACE, 3, Some(1), "third", [50, 60]),
        ],
    )
    .await;
    browser
        .go(&format!("{}/trace/{TRACE}", demo.url("traces")))
        .await;
    browser
        .until("document.querySelectorAll('.rows > li').length === 2")
        .await;
    browser.click("[id='0000000000000002'] a.r").await;
    browser.element(".details").await;
    press(&browser, "j").await;
    browser
        .run("window.marked = true;
            document.querySelector('.details').mark = 'kept';
            const cell = [...document.querySelectorAll('.details td bdi')].find(td => td.textContent === 'to be selected');
            getSelection().selectAllChildren(cell)")
        .await;
    // Adds rows before, between and after the existing rows, and the parent span that was missing.
    send(
        &demo,
        vec![
            span(TRACE, 1, None, "root", [0, 100]),
            span(TRACE, 4, Some(1), "first", [10, 15]),
            span(TRACE, 5, Some(2), "child of the second", [21, 22]),
            span(TRACE, 6, Some(1), "last", [90, 95]),
        ],
    )
    .await;
    browser
        .until("document.querySelectorAll('.rows > li').length === 6")
        .await;
    assert_same_page(&browser).await;
    assert_eq!(
        browser
            .run("return document.activeElement.closest('li').id")
            .await,
        "0000000000000003"
    );
    assert_eq!(
        browser
            .run("return document.querySelector('.details').mark")
            .await,
        "kept"
    );
    assert_eq!(
        browser.run("return getSelection().toString()").await,
        "to be selected"
    );
    let text = browser.text("#main").await;
    assert!(
        !text.contains("parent not here yet") && !text.contains("Still arriving"),
        "{text}"
    );
    browser.close().await;
}

#[tokio::test]
async fn late_spans_complete_trace_without_reload() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    browser
        .go(&format!("{}/trace/{TRACE}", demo.url("traces")))
        .await;
    browser
        .until("document.body.innerText.includes('Waiting for spans')")
        .await;
    mark_page(&browser).await;
    send(&demo, vec![span(TRACE, 2, Some(1), "early", [20, 40])]).await;
    browser
        .until("document.querySelectorAll('.rows > li').length === 1")
        .await;
    // After six seconds, the page must still wait for spans.
    tokio::time::sleep(Duration::from_secs(6)).await;
    send(&demo, vec![span(TRACE, 1, None, "late root", [0, 100])]).await;
    browser
        .until("document.querySelector('h1').textContent === 'late root'")
        .await;
    browser
        .until("!document.body.innerText.includes('arriving')")
        .await;
    assert_same_page(&browser).await;
    browser.close().await;
}

#[tokio::test]
async fn absent_parent_is_finally_marked_missing() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    send(
        &demo,
        vec![
            span(TRACE, 1, None, "root", [0, 100]),
            span(TRACE, 3, Some(2), "orphan", [20, 40]),
        ],
    )
    .await;
    browser
        .go(&format!("{}/trace/{TRACE}", demo.url("traces")))
        .await;
    mark_page(&browser).await;
    browser
        .until("document.body.innerText.includes('a parent that has not come')")
        .await;
    assert_same_page(&browser).await;
    browser.close().await;
}

#[tokio::test]
async fn twelve_frames_load_without_exhausting_connections() {
    let Some((browser, demo)) = open().await else {
        return;
    };
    let traces: Vec<String> = (1..=12_u128).map(|n| format!("{n:032x}")).collect();
    let viewer = demo.url("traces");
    let frames = traces.iter();
    let frames = frames
        .map(|id| format!("<iframe title=trace src='{viewer}/trace/{id}?uiEmbed=v0'></iframe>"));
    let frames = frames.collect::<String>();
    let html = format!(
        "<!doctype html><html lang=en><link rel=icon href='data:,'><title>frames</title>
        <script>window.told = new Map(); onmessage = e => told.set(e.source, [...told.get(e.source) ?? [], e.data.traceHeight])</script>
        {frames}"
    );
    let (around, _server) = serve(html).await;
    browser.go(&around).await;
    for id in &traces {
        browser.enter_frame(&format!("iframe[src*='{id}']")).await;
        browser
            .until("document.body.innerText.includes('Waiting for spans')")
            .await;
        assert_true(
            &browser.run("return !document.querySelector('nav')").await,
            "no navigation",
        );
        browser.client.clone().enter_parent_frame().await.unwrap();
    }
    send(
        &demo,
        traces
            .iter()
            .map(|id| span(id, 1, None, "arrived", [0, 9]))
            .collect(),
    )
    .await;
    for id in &traces {
        browser.enter_frame(&format!("iframe[src*='{id}']")).await;
        browser
            .until("document.querySelector('h1').textContent === 'arrived'")
            .await;
        browser.client.clone().enter_parent_frame().await.unwrap();
    }
    // Each frame has reported its height, and a greater height after its content grew.
    browser.until("told.size === 12 && [...told.values()].every(([first, ...more]) => more.some(height => height > first))").await;
    browser.close().await;
}

#[tokio::test]
async fn trace_in_pieces_ends_without_missing_notice() {
    let Some((browser, _demo, _)) = open_on("item-slow", 10).await else {
        return;
    };
    let text = browser.text("#main").await;
    assert!(
        !text.contains("missing") && !text.contains("arriving"),
        "{text}"
    );
    browser.close().await;
}

async fn serve(html: String) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().route("/", get(async move || Html(html)));
    let mut server = JoinSet::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "test servers are not traced, and the `JoinSet` ends them"
    )]
    server.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, server)
}
