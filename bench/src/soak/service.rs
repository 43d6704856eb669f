//! [`Service`]: the process of checkout or inventory.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::child;
use super::report::Counters;

/// Maximum time from the start of a service until it answers `/readyz`.
const START: Duration = Duration::from_secs(30);
/// Maximum time from SIGTERM to the end of a service: the 24 s that docs/promises.md states, and a margin.
const STOP: Duration = Duration::from_secs(30);

/// A running service.
pub(super) struct Service {
    name: &'static str,
    child: Child,
    pub(super) address: SocketAddr,
    log: JoinHandle<()>,
}

impl Service {
    /// Starts a service and waits until it is ready.
    pub(super) async fn start(
        name: &'static str,
        command: &mut Command,
        client: &reqwest::Client,
        counters: &Arc<Mutex<Counters>>,
    ) -> anyhow::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("cannot start {name}"))?;
        let stdout = child.stdout.take().context("a service has no log")?;
        let (sender, listening) = oneshot::channel();
        let log = tokio::spawn(read(stdout, Arc::clone(counters), sender));
        let ready = async {
            let address = listening.await?;
            let mut pause = tokio::time::interval(Duration::from_millis(20));
            loop {
                pause.tick().await;
                let answer = client.get(format!("http://{address}/readyz")).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return anyhow::Ok(address);
                }
            }
        };
        let address = timeout(START, ready)
            .await
            .with_context(|| format!("{name} was not ready after {START:?}"))?
            .with_context(|| format!("{name} ended before it was ready"))?;
        Ok(Self {
            name,
            child,
            address,
            log,
        })
    }

    /// Sends SIGTERM to the service, waits for the end of its process, and reads the rest of its log.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        let name = self.name;
        child::signal(&self.child, Signal::SIGTERM).with_context(|| format!("{name} has ended"))?;
        let status = timeout(STOP, self.child.wait())
            .await
            .with_context(|| format!("{name} did not end within {STOP:?}"))??;
        ensure!(status.success(), "{name} ended with {status}");
        Ok((&mut self.log).await?)
    }

    /// Returns the peak memory in bytes, if the process runs on Linux.
    pub(super) fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kilobytes * 1024)
    }
}

/// Reads the log of a service. Prints its errors until the service listens, since they explain a failed start.
async fn read(
    stdout: ChildStdout,
    counters: Arc<Mutex<Counters>>,
    listening: oneshot::Sender<SocketAddr>,
) {
    let mut listening = Some(listening);
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let fields: Value = serde_json::from_str(&line).unwrap_or_default();
        if listening.is_some() && fields["level"] == "ERROR" {
            eprintln!("{line}");
        }
        if fields["message"] == "listening"
            && let Some(Ok(address)) = fields["address"].as_str().map(str::parse)
            && let Some(listening) = listening.take()
        {
            // The receiver of the address is gone if the soak is ending.
            let _ = listening.send(address);
        }
        counters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read(&fields);
    }
}
