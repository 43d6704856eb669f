//! [`Collector`]: starts, controls and stops the collector process.

use std::io;
use std::net::SocketAddr;
use std::process::Stdio;

use nix::sys::signal::Signal;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::arrivals::Arrived;
use super::child;

/// A running collector process.
pub(super) struct Collector {
    child: Child,
    stdin: ChildStdin,
    pub(super) address: SocketAddr,
    reader: JoinHandle<()>,
    /// Receives a message each time a command has taken effect.
    done: mpsc::UnboundedReceiver<()>,
}

impl Collector {
    pub(super) async fn start(address: SocketAddr, arrived: &Arrived) -> io::Result<Self> {
        let mut child = child::command(&std::env::current_exe()?)
            .args(["soak-collector", &address.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the collector process has no pipes"));
        };
        let mut lines = BufReader::new(stdout).lines();
        let first = lines.next_line().await?.unwrap_or_default();
        let address = first
            .strip_prefix("listening ")
            .and_then(|address| address.parse().ok());
        let address =
            address.ok_or_else(|| io::Error::other("the collector process does not listen"))?;
        let (sender, done) = mpsc::unbounded_channel();
        let reader = tokio::spawn(read(lines, arrived.clone(), sender));
        Ok(Self {
            child,
            stdin,
            address,
            reader,
            done,
        })
    }

    pub(super) async fn stop(mut self) -> io::Result<()> {
        drop(self.stdin);
        self.child.wait().await?;
        // The process has ended, but the pipe may still contain its last lines.
        self.reader.await.map_err(io::Error::other)
    }

    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        child::signal(&self.child, signal)
    }

    /// Sends a command to the collector process, and waits until the command has taken effect. `collector::Answer`
    /// lists the commands.
    pub(super) async fn send(&mut self, command: &str) -> io::Result<()> {
        let line = format!("{command}\n");
        self.stdin.write_all(line.as_bytes()).await?;
        let done = self.done.recv().await;
        done.ok_or_else(|| io::Error::other("the collector process has ended"))
    }
}

async fn read(
    mut lines: Lines<BufReader<ChildStdout>>,
    arrived: Arrived,
    done: mpsc::UnboundedSender<()>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        if line == "done" {
            let _ = done.send(());
        } else {
            arrived.read(&line);
        }
    }
}
