//! Runs the services as child processes: starts them, finds their addresses, monitors and stops them, so that no
//! service keeps running after the demo.
//!
//! A child process runs this same binary with the hidden subcommand `service`, so each service is a real process with a
//! separate resource and log. [`crate::stack`] starts the child processes and selects their settings.

use std::io;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use viewer::LogLine;

use crate::logs::{human, say};
use crate::role::Role;
use crate::terminal::Screen;

use deadlines::{START, grace};
use error::Recorder;

mod command;
mod deadlines;
mod error;

pub(crate) use command::{command, exports_to};
pub use error::{LastWords, ProcessError};

/// A function that receives the log lines of the services.
pub type LogSink = Arc<dyn Fn(LogLine) + Send + Sync>;

/// A running service.
#[derive(Debug)]
pub struct Process {
    role: Role,
    child: Child,
    /// A pipe to the child process, which exits when the pipe closes. The pipe closes when the demo ends for any
    /// reason.
    _lifeline: Option<ChildStdin>,
    address: watch::Receiver<Option<SocketAddr>>,
    recorder: Recorder,
    readers: JoinSet<()>,
    /// The time at which the process is killed, set when the process is asked to stop.
    deadline: Option<Instant>,
}

impl Process {
    /// Starts the service with these additional environment variables.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError::Spawn`] if the process cannot be started.
    pub fn spawn(
        role: Role,
        variables: &[(&str, String)],
        logs: LogSink,
    ) -> Result<Self, ProcessError> {
        let spawn_error = |error| ProcessError::Spawn(role.name(), error);
        let mut command = command(&["service", role.name()], variables).map_err(spawn_error)?;
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C signals the whole process group of the terminal. Services run in separate groups, so that the demo
            // can stop them in the right order.
            .process_group(0);
        let mut child = command.spawn().map_err(spawn_error)?;

        let (address_found, address) = watch::channel(None);
        let recorder = Recorder::default();
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            let recorder = recorder.clone();
            readers.spawn(lines(stdout, move |line| {
                let line = LogLine::parse(role.name(), line);
                if let Some(address) = listening(&line) {
                    address_found.send_replace(Some(address));
                }
                // Errors that a service logs before it listens explain why it exits. Later errors may concern any
                // request.
                if address_found.borrow().is_none() && line.text("level") == Some("ERROR") {
                    recorder.push(human(&line, Screen::PLAIN));
                }
                logs(line);
            }));
        }
        if let Some(stderr) = child.stderr.take() {
            let recorder = recorder.clone();
            readers.spawn(lines(stderr, move |line| {
                say(&format!("{:<9} {line}", role.name()));
                recorder.push(line);
            }));
        }
        Ok(Self {
            role,
            _lifeline: child.stdin.take(),
            child,
            address,
            recorder,
            readers,
            deadline: None,
        })
    }

    /// Returns the service that this process runs.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Waits until the service answers `/readyz`, and returns its address.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError::Died`] if the process exits first, or [`ProcessError::NotReady`] if the service is not
    /// ready in time.
    pub async fn ready(&mut self, client: &reqwest::Client) -> Result<SocketAddr, ProcessError> {
        let mut address = self.address.clone();
        let ready = timeout(START, async {
            let found = address.wait_for(Option::is_some).await;
            let address = found.ok().and_then(|found| *found)?;
            answers_ready(client, address).await;
            Some(address)
        });
        tokio::select! {
            ready = ready => match ready {
                Ok(Some(address)) => Ok(address),
                // The service closed its standard output before it listened, so it is about to exit.
                Ok(None) => Err(self.died().await),
                Err(_) => Err(ProcessError::NotReady(self.role.name(), self.recorder.last_words())),
            },
            status = self.child.wait() => Err(self.ended(status, ProcessError::Died).await),
        }
    }

    /// Waits until the process exits without having been asked to stop.
    pub async fn died(&mut self) -> ProcessError {
        let status = self.child.wait().await;
        self.ended(status, ProcessError::Died).await
    }

    /// Asks the service to stop and waits until its process exits. Kills the process if that takes longer than `grace`.
    ///
    /// If the future is dropped, the next call continues to wait. The next call does not send a second signal, which
    /// would end the service immediately.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError::EndedBadly`] if the process exits with an error, or [`ProcessError::Killed`] if it has
    /// to be killed.
    pub async fn stop(&mut self) -> Result<(), ProcessError> {
        if self.deadline.is_none()
            && let Some(pid) = self.pid()
        {
            // Sending the signal fails if the process has already exited.
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = *self
            .deadline
            .get_or_insert_with(|| Instant::now() + grace());
        match timeout_at(deadline, self.child.wait()).await {
            // SIGTERM ends a process that has not installed its signal handlers yet, which is not an error.
            Ok(Ok(status))
                if status.success() || status.signal() == Some(Signal::TERM.as_raw()) =>
            {
                self.read_to_end().await;
                Ok(())
            }
            Ok(status) => Err(self.ended(status, ProcessError::EndedBadly).await),
            Err(_) => {
                let killed = self.child.kill().await;
                killed.map_err(|error| ProcessError::Wait(self.role.name(), error))?;
                Err(ProcessError::Killed(self.role.name()))
            }
        }
    }

    /// Returns the process id, or `None` after the process has exited and been waited for, since the system may reuse
    /// the id.
    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()?).ok()?)
    }

    async fn ended(
        &mut self,
        status: io::Result<ExitStatus>,
        error: fn(&'static str, ExitStatus, LastWords) -> ProcessError,
    ) -> ProcessError {
        self.read_to_end().await;
        match status {
            Ok(status) => error(self.role.name(), status, self.recorder.last_words()),
            Err(error) => ProcessError::Wait(self.role.name(), error),
        }
    }

    /// Reads the rest of the process's output. The time is limited, since a grandchild process may keep the pipes open.
    async fn read_to_end(&mut self) {
        let readers = async { while self.readers.join_next().await.is_some() {} };
        let _ = timeout(Duration::from_secs(1), readers).await;
    }
}

/// Ends this process when its standard input closes, which happens when the demo ends, even if the demo was killed.
pub fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = kill_process(rustix::process::getpid(), Signal::TERM);
        std::thread::sleep(grace());
        std::process::exit(1);
    });
}

/// Parses the address from the line that a service logs when it listens.
fn listening(line: &LogLine) -> Option<SocketAddr> {
    let listening = line.text("message") == Some("listening");
    listening.then(|| line.text("address")?.parse().ok())?
}

async fn answers_ready(client: &reqwest::Client, address: SocketAddr) {
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    loop {
        pause.tick().await;
        let answer = client.get(format!("http://{address}/readyz")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
    }
}

/// Passes each line to a function until the stream ends. Invalid UTF-8 becomes `�`.
async fn lines(stream: impl AsyncRead + Unpin, mut each: impl FnMut(String)) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while let Ok(1..) = stream.read_until(b'\n', &mut line).await {
        each(String::from_utf8_lossy(line.trim_ascii_end()).into_owned());
        line.clear();
    }
}
