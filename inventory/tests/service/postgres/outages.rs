//! Tests the answers and the log of the inventory program with default timeouts while its `PostgreSQL` server is down.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::service::{answer, client};

/// Default time after which checkout gives up a call to inventory.
const CHECKOUT_PATIENCE: Duration = Duration::from_secs(2);

/// Maximum time for a log line to appear, long enough for a busy machine.
const LOG_TIMEOUT: Duration = Duration::from_mins(1);

/// The running inventory program. Killed when dropped.
struct Program {
    child: Child,
    log: PathBuf,
    url: String,
    _directory: TempDir,
}

impl Program {
    async fn start(database_url: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let log = directory.path().join("log");
        let child = Command::new(env!("CARGO_BIN_EXE_inventory"))
            .env_clear()
            .env("DATABASE_URL", database_url)
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdout(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut program = Self {
            child,
            log,
            url: String::new(),
            _directory: directory,
        };
        let listening = program.logged(|line| line["message"] == "listening").await;
        program.url = format!("http://{}", listening["address"].as_str().unwrap());
        program
    }

    /// Waits for a log line of the program that matches, and returns it.
    async fn logged(&self, matches: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let log = std::fs::read_to_string(&self.log).unwrap();
            let mut lines = log
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            if let Some(line) = lines.find(&matches) {
                return line;
            }
            assert!(started.elapsed() < LOG_TIMEOUT, "{log}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends several requests in new traces, and asserts that each is answered and logged as unavailable.
    async fn assert_unavailable(&self) {
        // Sends several requests, because a busy machine may delay one of them.
        let mut quickest = Duration::MAX;
        for n in 1..=5 {
            let trace_id = format!("{n:032x}");
            let request = client()
                .get(format!("{}/check/item-123", self.url))
                .header("traceparent", format!("00-{trace_id}-00f067aa0ba902b7-01"));
            let started = Instant::now();
            let answer = answer(request).await;
            quickest = quickest.min(started.elapsed());

            answer.problem(503, "database_unavailable");
            assert_eq!(answer.retry_after.as_deref(), Some("1"));
            let line = self
                .logged(|line| line["level"] == "ERROR" && line["trace_id"] == *trace_id)
                .await;
            assert_eq!(line["message"], "the database is unavailable");
            assert!(line["error"].is_string(), "{line}");
        }
        assert!(quickest < CHECKOUT_PATIENCE, "{quickest:?}");
    }

    async fn assert_available(&self) {
        let request = client().get(format!("{}/check/item-123", self.url));
        assert_eq!(answer(request).await.status, 200);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_server_logs_error_with_trace_id() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let program = Program::start(&cluster.database_url("postgres")).await;
    program.assert_available().await;
    cluster.stop();
    program.assert_unavailable().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frozen_server_logs_error_with_trace_id() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let program = Program::start(&cluster.database_url("postgres")).await;
    program.assert_available().await;
    let frozen = cluster.freeze();
    program.assert_unavailable().await;
    drop(frozen);
}
