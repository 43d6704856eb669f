//! [`Process`]: a service or the sink, started, spoken to and ended.

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

use crate::control::{COUNT, Cost, MEASURE, Received, Said};

/// A service sends its last spans for ten seconds at most; under a profiler it takes longer to say so.
const PATIENCE: Duration = Duration::from_mins(1);

/// A child process, killed when this is dropped before its end.
pub(super) struct Process {
    child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStderr>>,
    log: JoinHandle<u64>,
    pub(super) address: SocketAddr,
}

impl Process {
    /// A program with these arguments, under another command where there is one; it has answered with where it listens.
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
            // For the command that it may be under.
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME"))
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", first.display()))?;
        let commands = child.stdin.take().context("no standard input")?;
        let answers = child.stderr.take().context("no standard error")?;
        let log = child.stdout.take().context("no standard output")?;
        let mut process = Self {
            child,
            commands,
            answers: BufReader::new(answers).lines(),
            log: tokio::spawn(lines(log)),
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
        };
        match process.answer().await? {
            Said::Listening { address } => process.address = address,
            other => bail!("expected an address, got {other:?}"),
        }
        Ok(process)
    }

    pub(super) async fn start_measuring(&mut self) -> anyhow::Result<()> {
        self.tell(MEASURE).await?;
        match self.answer().await? {
            Said::Measuring => Ok(()),
            other => bail!("expected a service to measure, got {other:?}"),
        }
    }

    /// What the sink has received so far.
    pub(super) async fn received(&mut self) -> anyhow::Result<Received> {
        self.tell(COUNT).await?;
        match self.answer().await? {
            Said::Received(received) => Ok(received),
            other => bail!("expected what was received, got {other:?}"),
        }
    }

    /// Ends a service: what it has cost, and how many lines it has logged.
    pub(super) async fn end(mut self) -> anyhow::Result<(Cost, u64)> {
        drop(self.commands);
        let cost = match answer(&mut self.answers).await? {
            Said::Ended(cost) => cost,
            other => bail!("expected what a service has cost, got {other:?}"),
        };
        let status = timeout(PATIENCE, self.child.wait()).await??;
        if !status.success() {
            bail!("a service ended with {status}");
        }
        Ok((cost, self.log.await?))
    }

    async fn tell(&mut self, command: &str) -> anyhow::Result<()> {
        let line = format!("{command}\n");
        let told = self.commands.write_all(line.as_bytes()).await;
        told.context("a process has ended early")
    }

    async fn answer(&mut self) -> anyhow::Result<Said> {
        answer(&mut self.answers).await
    }
}

/// The next thing that a process says; what else it writes to standard error is for people.
async fn answer(answers: &mut Lines<BufReader<ChildStderr>>) -> anyhow::Result<Said> {
    loop {
        let line = timeout(PATIENCE, answers.next_line())
            .await
            .context("a process does not answer")??
            .context("a process has ended early")?;
        match serde_json::from_str(&line) {
            Ok(said) => return Ok(said),
            Err(_) => eprintln!("{line}"),
        }
    }
}

/// Reads a log to its end, as whatever collects logs does, and counts its lines.
#[expect(clippy::naive_bytecount, reason = "a few megabytes a second")]
async fn lines(mut log: impl AsyncRead + Unpin) -> u64 {
    let mut buffer = vec![0; 1 << 16];
    let mut lines = 0;
    while let Ok(read @ 1..) = log.read(&mut buffer).await {
        lines += buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
    }
    lines
}
