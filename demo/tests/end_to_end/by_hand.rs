//! Tests the demo as users run it: signals, ports, typed commands and environment variables.

use std::{process::Output, time::Duration};

use rustix::process::Signal;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    command::{Demo, TIMEOUT, demo},
    hangup,
    services::Answer,
};

const FREE_PORTS: [&str; 4] = [
    "--checkout-port=0",
    "--inventory-port=0",
    "--otlp-port=0",
    "--ui-port=0",
];

#[tokio::test]
async fn typed_commands_restart_inventory_with_data() {
    let mut demo = Demo::start().await;
    let before = available(&demo).await;
    assert_eq!(order(&demo, "item-123").await.status, 200);

    demo.type_line("stop inventory").await;
    demo.said(|output| output.contains("inventory is stopped"))
        .await;
    let refused = order(&demo, "item-123").await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (503, &"inventory_unavailable".into())
    );

    demo.type_line("start inventory").await;
    demo.said(|output| output.contains("inventory is back"))
        .await;
    assert_eq!(order(&demo, "item-123").await.status, 200);
    assert_eq!(available(&demo).await, before - 2);

    demo.type_line("stop the world").await;
    demo.said(|output| output.contains("`stop the world` is nothing to type here"))
        .await;
    demo.signal(Signal::TERM);
    let (status, output) = demo.ended().await;
    assert!(status.success(), "{output}");
}

#[tokio::test]
async fn signal_during_typed_stop_lets_requests_end() {
    let mut command = demo(&FREE_PORTS);
    // The request for `item-stuck` times out after this time and gets an error response.
    command.env("REQUEST_TIMEOUT", "4s");
    let mut demo = Demo::run(command).await;
    let client = client();
    let stuck = client.get(format!("{}/check/item-stuck", demo.url("inventory")));
    let stuck = shared::task::spawn(stuck.send());
    some_span_has_come(&demo, &client).await;

    demo.type_line("stop inventory").await;
    demo.said(|output| output.contains("draining")).await;
    demo.signal(Signal::INT);
    let answer = stuck.await.unwrap().expect("the request is answered");
    assert_eq!(answer.status(), 503);
    let (status, output) = demo.ended().await;
    assert!(status.success(), "{output}");
    assert_eq!(output.matches(" stopped ").count(), 2, "{output}");
    assert!(!output.contains("spans.lost=1"), "{output}");
}

#[tokio::test]
async fn signal_during_start_lets_services_end() {
    let demo = Demo::spawn(demo(&FREE_PORTS));
    // Inventory is running, but checkout has not started yet.
    demo.said(|output| output.contains("inventory listening"))
        .await;
    demo.signal(Signal::TERM);
    let (status, output) = demo.ended().await;
    assert!(status.success(), "{output}");
    assert!(output.contains("inventory stopped "), "{output}");
}

#[tokio::test]
async fn hangup_stops_like_any_signal() {
    if hangup::is_ignored() {
        eprintln!("skipped: SIGHUP is ignored here, as under nohup");
        return;
    }
    let demo = Demo::start().await;
    // When a terminal closes, a shell and the system may both send SIGHUP, with any delay in between.
    demo.signal(Signal::HUP);
    demo.said(|output| output.contains("stopping")).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    demo.signal(Signal::HUP);
    let (status, output) = demo.ended().await;
    assert!(status.success(), "{output}");
    assert_eq!(output.matches(" stopped ").count(), 2, "{output}");
}

#[tokio::test]
async fn service_gets_its_shutdown_delay() {
    let mut command = demo(&FREE_PORTS);
    command.env("SHUTDOWN_DELAY", "16s");
    let mut demo = Demo::run(command).await;
    demo.type_line("stop checkout").await;
    let output = demo
        .said(|output| output.contains("checkout is stopped") || output.contains("error"))
        .await;
    assert!(output.contains("checkout is stopped"), "{output}");
    assert_eq!(output.matches(" stopped ").count(), 1, "{output}");
}

#[tokio::test]
async fn bytes_that_are_not_utf8_are_answered() {
    let mut demo = Demo::start().await;
    demo.type_bytes(b"stop \xff\n").await;
    demo.said(|output| output.contains("is nothing to type here"))
        .await;
    // The console still accepts commands after an unknown one.
    demo.type_line("stop inventory").await;
    demo.said(|output| output.contains("inventory is stopped"))
        .await;
}

#[tokio::test]
async fn temporary_directory_may_have_any_name() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("a?b#c%41 d%2F&e=f");
    std::fs::create_dir(&directory).unwrap();
    let mut command = demo(&FREE_PORTS);
    command.env("TMPDIR", &directory);
    let demo = Demo::run(command).await;
    assert_eq!(order(&demo, "item-123").await.status, 200);
    let inside = || std::fs::read_dir(&directory).unwrap().count();
    assert_eq!(inside(), 1, "the database is in it");
    demo.signal(Signal::TERM);
    let (status, output) = demo.ended().await;
    assert!(status.success(), "{output}");
    assert_eq!(inside(), 0, "the database is removed");
}

#[tokio::test]
async fn doubled_signal_counts_once() {
    let demo = Demo::start().await;
    demo.signal(Signal::INT);
    demo.signal(Signal::TERM);
    let (status, output) = demo.ended().await;
    assert!(status.success(), "{output}");
}

#[tokio::test]
async fn second_signal_kills_busy_services() {
    let demo = Demo::start().await;
    let client = client();
    let stuck = client
        .post(format!("{}/checkout", demo.url("checkout")))
        .header("content-type", "application/json")
        .body(r#"{"item_id":"item-stuck"}"#);
    let stuck = shared::task::spawn(stuck.send());
    // The request in progress delays the shutdown of checkout by two seconds.
    some_span_has_come(&demo, &client).await;

    demo.signal(Signal::TERM);
    demo.said(|output| output.contains("draining")).await;
    // The demo ignores a second signal within 100 ms, so the test sends it later.
    tokio::time::sleep(Duration::from_millis(150)).await;
    demo.signal(Signal::TERM);
    let (status, output) = demo.ended().await;
    assert_eq!(status.code(), Some(1), "{output}");
    assert!(output.contains("second signal"), "{output}");
    assert!(stuck.await.unwrap().is_err(), "its answer never comes");
}

#[tokio::test]
async fn unusable_argument_starts_nothing() {
    for (arguments, reason) in [
        (
            &["--otlp-port=8081"][..],
            "inventory and the OTLP receiver cannot both listen on port 8081",
        ),
        (&["tour", "item-stucked"], "inventory-is-down, "),
        (&["tour", "item-123", "nope"], "raw-client"),
        (&["--checkout-port=65536"], "65536"),
        (&["--no-such-flag"], "--no-such-flag"),
        (&["tuor"], "tuor"),
    ] {
        let Output {
            status,
            stdout,
            stderr,
        } = timeout(TIMEOUT, demo(arguments).output())
            .await
            .unwrap()
            .unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(reason), "{arguments:?}: {stderr}");
        // The tour prints its introduction before it starts the services, so an empty output shows that nothing was
        // started.
        assert!(stdout.is_empty(), "{arguments:?}: {stdout:?}");
    }
}

#[tokio::test]
async fn rust_log_filters_shown_lines() {
    let mut command = demo(&FREE_PORTS);
    command.env("RUST_LOG", "error");
    let demo = Demo::run(command).await;
    assert_eq!(order(&demo, "item-123").await.status, 200);
    assert_eq!(order(&demo, "item-corrupt").await.status, 502);
    demo.said(|output| output.contains("panicked")).await;
    demo.signal(Signal::TERM);
    let (status, output) = demo.ended().await;
    assert!(status.success(), "{output}");
    assert!(output.contains("ERROR"), "{output}");
    assert!(!output.contains("INFO"), "{output}");
}

#[tokio::test]
async fn service_names_ignore_shell_with_notice() {
    let mut command = demo(&FREE_PORTS);
    command.env("OTEL_SERVICE_NAME", "shop");
    command.env("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,team=blue");
    let demo = Demo::run(command).await;
    let output = demo
        .said(|output| output.contains("OTEL_SERVICE_NAME"))
        .await;
    assert!(output.contains("`shop` is not passed on"), "{output}");
    let id = order(&demo, "item-123").await.trace_id().to_owned();
    let client = client();
    let named = async {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        loop {
            let trace = trace(&demo, &client, &id).await;
            if ["checkout", "inventory"]
                .iter()
                .all(|name| trace.contains(&format!("\"{name}\"")))
            {
                return trace;
            }
            pause.tick().await;
        }
    };
    let trace = timeout(TIMEOUT, named).await.expect("both names are there");
    assert!(!trace.contains("\"shop\""), "{trace}");
    assert!(trace.contains("\"blue\""), "{trace}");
}

#[tokio::test]
async fn named_scenes_are_shown_within_width() {
    let mut command = demo(&["tour", "item-stuck", "raw-client", "inventory-is-down"]);
    command.env("COLUMNS", "60");
    let tour = timeout(TIMEOUT, command.output()).await.unwrap().unwrap();
    let stdout = String::from_utf8(tour.stdout).unwrap();
    assert!(tour.status.success(), "{stdout}");
    assert!(stdout.contains("\n4 of 4 as they should be"), "{stdout}");
    for title in [
        "1 of 3: item-stuck",
        "2 of 3: pitfall raw-client",
        "3 of 3: inventory is down",
    ] {
        assert!(stdout.contains(title), "{title}: {stdout}");
    }
    let (story, _) = stdout.split_once("\n──").unwrap();
    for definition in ["A span is", "A trace is"] {
        assert!(story.contains(definition), "{story}");
    }
    for line in story.lines().filter(|line| !line.contains("INFO")) {
        assert!(line.chars().count() <= 60, "{line}");
    }
}

#[tokio::test]
async fn stepped_tour_without_terminal_does_not_wait() {
    // Standard input is a pipe that stays open, so a tour that waits for a line would never end.
    let demo = Demo::spawn(demo(&["tour", "item-123", "item-corrupt", "--step"]));
    let output = demo
        .said(|output| output.contains("\n2 of 2 as they should be"))
        .await;
    let notices = output.matches("--step does not wait for Enter").count();
    assert_eq!(notices, 1, "{output}");
    assert!(!output.contains("Press Enter"), "{output}");
    let (status, output) = demo.ended().await;
    assert!(status.success(), "{output}");
}

#[tokio::test]
async fn kept_tour_serves_traces_until_stopped() {
    let demo = Demo::spawn(demo(&["tour", "item-corrupt", "--keep"]));
    let output = demo
        .said(|output| output.contains("until you press Ctrl-C"))
        .await;
    let link = output
        .lines()
        .find(|line| line.contains("/trace/"))
        .unwrap();
    let page = client().get(link).send().await.unwrap();
    assert_eq!(page.status(), 200, "{link}");
    assert!(page.text().await.unwrap().contains("GET /check/{item_id}"));
    demo.signal(Signal::INT);
    let (status, output) = demo.ended().await;
    assert!(status.success(), "{output}");
}

/// Waits until the list of traces is not empty, which shows that the request sent before is in progress.
async fn some_span_has_come(demo: &Demo, client: &reqwest::Client) {
    let under_way = async {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        loop {
            pause.tick().await;
            let list = client.get(demo.url("traces")).send().await.unwrap();
            if list.text().await.unwrap().contains("/trace/") {
                return;
            }
        }
    };
    timeout(TIMEOUT, under_way).await.unwrap();
}

async fn order(demo: &Demo, item: &str) -> Answer {
    let request = client()
        .post(format!("{}/checkout", demo.url("checkout")))
        .header("content-type", "application/json")
        .body(format!(r#"{{"item_id":"{item}"}}"#));
    Answer::of(request.send().await.unwrap()).await
}

async fn available(demo: &Demo) -> i64 {
    let url = format!("{}/check/item-123", demo.url("inventory"));
    let answer: Value = client()
        .get(url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    answer["available"].as_i64().unwrap()
}

async fn trace(demo: &Demo, client: &reqwest::Client, id: &str) -> String {
    let url = format!("{}/api/v3/traces/{id}", demo.url("traces"));
    client.get(url).send().await.unwrap().text().await.unwrap()
}

fn client() -> reqwest::Client {
    #[expect(
        clippy::disallowed_methods,
        reason = "a caller from outside, with no trace of its own"
    )]
    reqwest::Client::builder().no_proxy().build().unwrap()
}
