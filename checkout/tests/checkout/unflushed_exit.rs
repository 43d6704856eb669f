//! Tests the pitfall `unflushed-exit` in a child process, which runs this test binary again and exports to a collector
//! in the test.

use std::process::{Command, ExitCode};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::pitfalls::orphans;
use crate::stand_in::serve;

#[tokio::test(flavor = "multi_thread")]
async fn unflushed_exit_loses_the_last_span() {
    let (answer, received) = process("broken").await;
    let (trace_id, _) = &orphans(&answer)[0];
    assert_eq!(answer["trace_id"], **trace_id);
    assert!(!received);
}

#[tokio::test(flavor = "multi_thread")]
async fn flushed_exit_loses_nothing() {
    let (answer, received) = process("fixed").await;
    assert_eq!(orphans(&answer), []);
    assert!(received);
}

/// Runs one form in a child process. Returns the printed answer, and whether the span arrived before the process
/// exited.
async fn process(form: &str) -> (Value, bool) {
    let (spans, mut received) = mpsc::unbounded_channel();
    let collector = async move |body: Bytes| spans.send(body).unwrap();
    let url = serve(Router::new().route("/v1/traces", post(collector))).await;
    let mut process = Command::new(std::env::current_exe().unwrap());
    process
        .args([
            "unflushed_exit::unflushed_process",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(FORM, form)
        // With this delay, only a shutdown exports spans before the process exits, however slow the machine is.
        .env("OTEL_BSP_SCHEDULE_DELAY", "600000")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    let output = shared::task::spawn_blocking(move || process.output().unwrap());
    let output = output.await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let output = String::from_utf8(output.stdout).unwrap();
    let answer = output.lines().find(|line| line.contains("unflushed-exit"));
    let answer = serde_json::from_str(answer.expect("it says what happened")).unwrap();
    let name = b"nightly_report";
    let received = received
        .try_recv()
        .is_ok_and(|body: Bytes| body.windows(name.len()).any(|part| part == name));
    (answer, received)
}

const FORM: &str = "UNFLUSHED_EXIT_FORM";

#[test]
#[ignore = "the process that two tests above start"]
fn unflushed_process() -> ExitCode {
    match std::env::var(FORM) {
        Ok(form) => checkout::unflushed_exit(form == "fixed"),
        Err(_) => ExitCode::SUCCESS,
    }
}
