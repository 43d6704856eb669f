//! A stopping service exits, whatever its tasks do.

#[path = "support/watchdog.rs"]
mod watchdog;

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use shared::{
    serve::{self, ServeError},
    task,
};
use watchdog::Watchdog;

/// How long the service may take to start, and to stop once its tasks have had their time.
const PATIENCE: Duration = Duration::from_secs(30);

/// Set in the service's process.
const ROLE: &str = "SERVE_STOP_TEST_SERVICE";

/// The service itself, and no test where the binary is run as one.
#[test]
fn service() {
    if env::var_os(ROLE).is_none() {
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
    let mut child = Command::new(env::current_exe().expect("a test has a binary"))
        .args(["--exact", "service", "--nocapture", "--quiet"])
        .env(ROLE, "yes")
        .env("OTEL_TRACES_EXPORTER", "none")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test binary starts");
    let watchdog = Watchdog::over(child.id(), PATIENCE + serve::TASK_TIMEOUT + PATIENCE);
    let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut lines = stdout.lines().map_while(Result::ok);
    assert!(lines.any(|line| line == "started"));
    let told = Instant::now();
    let pid = child.id().to_string();
    let kill = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(kill.expect("there is a kill").success());
    // Its standard output ends when it does.
    let rest: Vec<String> = lines.collect();
    assert!(
        rest.iter()
            .any(|line| line.contains("\"tasks.unfinished\":1")),
        "{rest:#?}"
    );
    let status = child.wait().expect("it can be waited for");
    drop(watchdog);
    assert!(status.success(), "{status}");
    assert!(
        told.elapsed() < serve::TASK_TIMEOUT + PATIENCE,
        "{:?}",
        told.elapsed()
    );
}
