//! The system clock is set back while a request runs: spans keep their order and their durations.
//!
//! The test runs itself again with a preloaded library that replaces libc's `clock_gettime`, so that no other process
//! is affected.

use std::{env, fs, process::Command, time::Duration};

use axum::{Router, routing::get};
use shared::{
    database::{Database, QueryFailure, Statement},
    server::TraceLayer,
    task,
    testing::{Span, recorder},
};

use crate::support::{Caller, Connection, client, in_child, start};

/// Environment variable with the path of a file. If the file exists, the clock of the traced process is one hour
/// behind.
const STEP: &str = "CLOCK_STEP_TEST_FILE";

const SHIM: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = syscall(SYS_clock_gettime, clock, time);
    const char *step = getenv("CLOCK_STEP_TEST_FILE");
    if (result == 0 && clock == CLOCK_REALTIME && step && access(step, F_OK) == 0)
        time->tv_sec -= 3600;
    return result;
}
"#;

#[test]
fn clock_set_back_keeps_children_within_parents() {
    let folder = tempfile::tempdir().unwrap();
    let (source, shim) = (folder.path().join("shim.c"), folder.path().join("shim.so"));
    if env::var_os(STEP).is_none() {
        fs::write(&source, SHIM).unwrap();
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([&shim, &source])
            .status();
        assert!(compiled.unwrap().success());
    }
    let step = folder.path().join("step");
    let variables = [
        ("LD_PRELOAD", shim.to_str().unwrap()),
        (STEP, step.to_str().unwrap()),
    ];
    in_child(&variables, async || trace_across_step().await);
}

#[tracing::instrument]
async fn set_clock_back() {
    let before = std::time::SystemTime::now();
    fs::write(env::var_os(STEP).unwrap(), "").unwrap();
    assert!(std::time::SystemTime::now() < before);
    tracing::error!(error = "after the step");
}

#[tracing::instrument]
async fn after() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

async fn trace_across_step() {
    let recorder = recorder();
    let caller = Caller::new();
    let stand_in = start(Router::new().route("/", get(async || "ok"))).await;
    let url = stand_in.url("/");
    let handler = async move || {
        set_clock_back().await;
        after().await;
        task::spawn(after()).await.unwrap();
        client(shared::client::TraceMiddleware::new())
            .get(&url)
            .send()
            .await
            .unwrap();
        let select = Statement {
            operation: "SELECT",
            collection: "stock",
            text: "SELECT 1",
        };
        let reason = |(): &()| QueryFailure::Failed("none".into());
        let query = async {
            after().await;
            Ok::<_, ()>(())
        };
        Database::new("sqlite")
            .query(&select, reason, query)
            .await
            .unwrap();
    };
    let router = Router::new().route("/", get(handler));
    let service = start(router.layer(TraceLayer::new())).await;
    let mut connection = Connection::open(&service).await;
    connection.request("GET /", &caller).await;
    assert_eq!(connection.answer().await.status, 200);
    let trace = recorder.trace(&caller.trace_id, 7).await;
    let server = trace.span("GET /");
    for span in &trace.spans {
        assert!(span.start <= span.end, "{span:?}");
        assert!(span.duration() < Duration::from_mins(1), "{span:?}");
        let is_parent = |parent: &&Span| Some(&parent.span_id) == span.parent_id.as_ref();
        let parent = trace.spans.iter().find(is_parent);
        // The parent of the server span is not in the trace, so the server span is compared with itself.
        let parent = parent.unwrap_or(server);
        assert!(parent.start <= span.start, "{parent:?}\n{span:?}");
        assert!(span.end <= parent.end, "{parent:?}\n{span:?}");
    }
}
