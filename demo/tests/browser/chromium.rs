//! Starts Chromium and chromedriver with a new profile, and kills them on drop.

use std::{
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
};

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::command::TIMEOUT;

/// Limits the number of browsers that run at the same time. A browser is several processes, and more than two browsers
/// slow each other down.
static SLOTS: Semaphore = Semaphore::const_new(2);

/// The chromedriver process and the profile directory of a browser session.
pub(crate) struct Chromium {
    driver: Child,
    profile: TempDir,
    _slot: SemaphorePermit<'static>,
}

impl Chromium {
    /// Starts a session in a new browser. If none is installed, prints that the test is skipped and returns `None`.
    pub(crate) async fn start() -> Option<(Self, Client)> {
        let slot = SLOTS.acquire().await.unwrap();
        let Some(binary) = find(&["chromium", "chromium-browser", "google-chrome"]) else {
            return skipped("no chromium in PATH");
        };
        let profile = tempfile::Builder::new().prefix("chromium-").tempdir();
        let profile = profile.unwrap();
        let mut attempts = 0..10;
        let (driver, port) = loop {
            attempts.next().expect("chromedriver listens");
            match start_driver() {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return skipped("no chromedriver in PATH");
                }
                driver => {
                    let mut driver = driver.unwrap();
                    // chromedriver exits if another process takes the chosen port before chromedriver has bound it for
                    // both IPv4 and IPv6.
                    if let Some(port) = timeout(TIMEOUT, port(&mut driver)).await.unwrap() {
                        break (driver, port);
                    }
                }
            }
        };
        let chromium = Self {
            driver,
            profile,
            _slot: slot,
        };
        let Value::Object(capabilities) = chromium.capabilities(&binary) else {
            unreachable!("`capabilities` returns an object");
        };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        Some((chromium, client))
    }

    /// Returns the process group that contains chromedriver and the browser's processes.
    pub(crate) fn group(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.driver.id()?).ok()?)
    }

    fn capabilities(&self, binary: &Path) -> Value {
        json!({
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": {
                "binary": binary,
                "args": [
                    "--headless",
                    // The sandbox needs user namespaces, which containers lack. The tests open only their own pages, so
                    // they do not need the sandbox.
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    // Requests to other hosts are recorded, but their host names do not resolve, so the requests never
                    // leave the machine.
                    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
                    format!("--user-data-dir={}", self.profile.path().display()),
                ],
            },
        })
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        if let Some(group) = self.group() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn start_driver() -> std::io::Result<Child> {
    Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        // Puts the processes of Chromium into one process group, which `Drop` kills.
        .process_group(0)
        .spawn()
}

/// Returns the port that chromedriver listens on, or `None` if chromedriver exits.
async fn port(driver: &mut Child) -> Option<u16> {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            return Some(port.trim_end_matches('.').parse().unwrap());
        }
    }
    None
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut candidates = std::env::split_paths(&path)
        .flat_map(|directory| names.iter().map(move |name| directory.join(name)));
    candidates.find(|candidate| candidate.is_file())
}

/// Prints that a test is skipped. The message bypasses the output capture of the test runner, so that a skipped test
/// does not look like a passed one.
pub(crate) fn skipped<T>(reason: &str) -> Option<T> {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Writes the message with one call, since other tests write to the same stream.
    let line = format!("\nskipped: {test}: {reason}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    None
}
