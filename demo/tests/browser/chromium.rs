//! Chromium and chromedriver as processes: found, started with a fresh profile, and gone when dropped.

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

use crate::command::PATIENCE;

/// A browser is several processes; more than two of them at a time only get into each other's way.
static TURNS: Semaphore = Semaphore::const_new(2);

/// The processes behind a session.
pub(crate) struct Chromium {
    driver: Child,
    profile: TempDir,
    _turn: SemaphorePermit<'static>,
}

impl Chromium {
    /// A new session in a browser of its own; `None`, and a word why, where there is no browser.
    pub(crate) async fn start() -> Option<(Self, Client)> {
        let turn = TURNS.acquire().await.unwrap();
        let Some(binary) = find(&["chromium", "chromium-browser", "google-chrome"]) else {
            return skipped("no chromium in PATH");
        };
        let mut command = Command::new("chromedriver");
        command
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Chromium's processes stay in the group, by which all of them are ended.
            .process_group(0);
        let mut driver = match command.spawn() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return skipped("no chromedriver in PATH");
            }
            driver => driver.unwrap(),
        };
        let stdout = driver.stdout.take().unwrap();
        let profile = tempfile::Builder::new().prefix("chromium-").tempdir();
        let chromium = Self {
            driver,
            profile: profile.unwrap(),
            _turn: turn,
        };
        let mut lines = BufReader::new(stdout).lines();
        let port = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    return port.trim_end_matches('.').parse::<u16>().unwrap();
                }
            }
            panic!("chromedriver ended before it listened");
        };
        let port = timeout(PATIENCE, port).await.unwrap();
        let Value::Object(capabilities) = chromium.capabilities(&binary) else {
            unreachable!("it is written as an object");
        };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        Some((chromium, client))
    }

    /// The group that all its processes are in: chromedriver began it.
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
                    // In a container there is no user namespace for it, and all that is opened is our own.
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    // Whatever a page asks for elsewhere is seen, and goes nowhere.
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

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut candidates = std::env::split_paths(&path)
        .flat_map(|directory| names.iter().map(move |name| directory.join(name)));
    candidates.find(|candidate| candidate.is_file())
}

/// Says so past the test's captured output: a test that tried nothing must not look like one that passed.
pub(crate) fn skipped<T>(reason: &str) -> Option<T> {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // In one piece, as others write there too.
    let line = format!("\nskipped: {test}: {reason}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    None
}
