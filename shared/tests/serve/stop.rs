//! A stopping service exits, whatever its tasks do.

use std::time::{Duration, Instant};

use shared::{
    serve::{self, ServeError},
    task,
};

use crate::support::{Child, command, role};

/// Maximum time for the service to stop, after the time limit of its tasks.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the service in a child process. Does nothing in an ordinary test run.
#[test]
fn service() {
    if role().is_none() {
        return;
    }
    serve::main("stuck", async |_, shutdown| {
        drop(task::spawn_blocking(|| {
            loop {
                std::thread::park();
            }
        }));
        println!("\nstarted");
        shutdown.cancelled().await;
        Ok::<_, ServeError>(())
    });
}

#[test]
fn endless_blocking_work_does_not_block_exit() {
    let mut service = command("stop::service", "service");
    let mut child = Child::start(service.env("OTEL_TRACES_EXPORTER", "none"));
    child.find(|line| (line == "started").then_some(()));
    let told = Instant::now();
    child.signal("-TERM");
    let output = child.output();
    assert!(
        output.stdout.contains("\"tasks.unfinished\":1"),
        "{output:?}"
    );
    assert!(output.status.success(), "{output:?}");
    let elapsed = told.elapsed();
    assert!(elapsed < serve::TASK_TIMEOUT + PATIENCE, "{elapsed:?}");
}
