//! [`Process`]: a running service or sink.

use std::{net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context as _, bail};
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines,
    },
    process::{Child, ChildStderr, ChildStdin, Command},
    task::JoinHandle,
    time::timeout,
};

use crate::control::{COUNT, Cost, MEASURE, Message, Received};

/// Time limit of a reply. A service needs up to 10 s to export its last spans, and longer under a profiler.
const REPLY_TIMEOUT: Duration = Duration::from_mins(1);

/// A child process. Killed if dropped before it has ended.
pub(super) struct Process {
    child: Child,
    commands: ChildStdin,
    replies: Lines<BufReader<ChildStderr>>,
    log: JoinHandle<u64>,
    pub(super) address: SocketAddr,
}

impl Process {
    /// Starts a program, optionally under another command, and waits until it listens.
    pub(super) async fn start(
        under: Option<&str>,
        program: PathBuf,
        arguments: &[String],
        environment: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let mut words = under
            .unwrap_or_default()
            .split_whitespace()
            .map(Into::into)
            .chain([program.into_os_string()]);
        let first = words.next().context("no program")?;
        let mut child = Command::new(&first)
            .args(words)
            .args(arguments)
            .env_clear()
            // The command given with `--under-a` may need `PATH` and `HOME`.
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME"))
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", first.display()))?;
        let commands = child.stdin.take().context("no standard input")?;
        let replies = child.stderr.take().context("no standard error")?;
        let log = child.stdout.take().context("no standard output")?;
        let mut process = Self {
            child,
            commands,
            replies: BufReader::new(replies).lines(),
            log: tokio::spawn(lines(log)),
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
        };
        match process.reply().await? {
            Message::Listening { address } => process.address = address,
            other => bail!("expected an address, got {other:?}"),
        }
        Ok(process)
    }

    pub(super) async fn start_measuring(&mut self) -> anyhow::Result<()> {
        self.send(MEASURE).await?;
        match self.reply().await? {
            Message::Measuring => Ok(()),
            other => bail!("expected a service to measure, got {other:?}"),
        }
    }

    /// Returns the counts of the spans that the sink has received so far.
    pub(super) async fn received(&mut self) -> anyhow::Result<Received> {
        self.send(COUNT).await?;
        match self.reply().await? {
            Message::Received(received) => Ok(received),
            other => bail!("expected the received counts, got {other:?}"),
        }
    }

    /// Stops a service. Returns its cost and its number of log lines.
    pub(super) async fn end(mut self) -> anyhow::Result<(Cost, u64)> {
        drop(self.commands);
        let cost = match next_message(&mut self.replies).await? {
            Message::Ended(cost) => cost,
            other => bail!("expected the cost of a service, got {other:?}"),
        };
        let status = timeout(REPLY_TIMEOUT, self.child.wait()).await??;
        if !status.success() {
            bail!("a service ended with {status}");
        }
        Ok((cost, self.log.await?))
    }

    async fn send(&mut self, command: &str) -> anyhow::Result<()> {
        let line = format!("{command}\n");
        let sent = self.commands.write_all(line.as_bytes()).await;
        sent.context("a process has ended early")
    }

    async fn reply(&mut self) -> anyhow::Result<Message> {
        next_message(&mut self.replies).await
    }
}

/// Returns the next message of a process. Prints the other lines of its standard error.
async fn next_message(replies: &mut Lines<BufReader<ChildStderr>>) -> anyhow::Result<Message> {
    loop {
        let line = timeout(REPLY_TIMEOUT, replies.next_line())
            .await
            .context("a process does not reply")??
            .context("a process has ended early")?;
        match serde_json::from_str(&line) {
            Ok(message) => return Ok(message),
            Err(_) => eprintln!("{line}"),
        }
    }
}

/// Reads a log to its end, as a log collector would, and counts its lines.
#[expect(clippy::naive_bytecount, reason = "a few megabytes a second")]
async fn lines(mut log: impl AsyncRead + Unpin) -> u64 {
    let mut buffer = vec![0; 1 << 16];
    let mut lines = 0;
    while let Ok(read @ 1..) = log.read(&mut buffer).await {
        lines += buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
    }
    lines
}
