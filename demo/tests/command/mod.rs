//! Runs the `demo` command, either to its end or for the duration of a test.

use std::{
    collections::HashMap,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, Command},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

/// Maximum time to wait for any condition. The limit is generous, since other tests run on the same machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(40);

/// Returns the command that runs the `demo` binary, without the shell's variables for telemetry and logs.
pub(crate) fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .env("RUST_LOG", "info")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// A running demo on free ports. Dropping this value kills the demo and its services.
pub(crate) struct Demo {
    child: Child,
    stdin: ChildStdin,
    output: Arc<watch::Sender<String>>,
    readers: JoinSet<()>,
    addresses: HashMap<String, String>,
}

impl Demo {
    pub(crate) async fn start() -> Self {
        Self::run(demo(&[
            "--checkout-port=0",
            "--inventory-port=0",
            "--otlp-port=0",
            "--ui-port=0",
        ]))
        .await
    }

    /// Starts a command returned by [`demo`] and waits until the demo prints its four addresses.
    pub(crate) async fn run(command: Command) -> Self {
        let mut demo = Self::spawn(command);
        demo.said(|output| addresses(output).len() == 4).await;
        demo.addresses = addresses(&demo.output.borrow());
        demo
    }

    /// Starts a command returned by [`demo`].
    pub(crate) fn spawn(mut command: Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = Arc::new(watch::Sender::new(String::new()));
        let mut readers = JoinSet::new();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        read(stdout, &output, &mut readers);
        read(stderr, &output, &mut readers);
        Self {
            stdin: child.stdin.take().unwrap(),
            child,
            output,
            readers,
            addresses: HashMap::new(),
        }
    }

    /// Returns the URL of `checkout`, `inventory`, `otlp` or `traces`, such as `http://127.0.0.1:8080`.
    #[track_caller]
    pub(crate) fn url(&self, name: &str) -> &str {
        &self.addresses[name]
    }

    /// Waits until the demo's output satisfies a condition, and returns the output so far.
    pub(crate) async fn said(&self, wanted: impl Fn(&str) -> bool) -> String {
        let mut output = self.output.subscribe();
        let found = timeout(TIMEOUT, output.wait_for(|output| wanted(output))).await;
        match found {
            Ok(Ok(output)) => output.clone(),
            _ => panic!("it has not said that, but:\n{}", *self.output.borrow()),
        }
    }

    /// Types a line into the demo's console.
    pub(crate) async fn type_line(&mut self, line: &str) {
        self.type_bytes(format!("{line}\n").as_bytes()).await;
    }

    pub(crate) async fn type_bytes(&mut self, bytes: &[u8]) {
        self.stdin.write_all(bytes).await.unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits until the demo exits. Returns the exit status and the whole output.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let ended = async {
            while self.readers.join_next().await.is_some() {}
            self.child.wait().await.unwrap()
        };
        let status = timeout(TIMEOUT, ended).await.expect("it ends in time");
        (status, self.output.borrow().clone())
    }
}

fn read(
    stream: impl AsyncRead + Unpin + Send + 'static,
    output: &Arc<watch::Sender<String>>,
    readers: &mut JoinSet<()>,
) {
    let output = Arc::clone(output);
    let mut lines = BufReader::new(stream).lines();
    #[expect(
        clippy::disallowed_methods,
        reason = "a reader is never traced, and ends with the test"
    )]
    readers.spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            output.send_modify(|output| {
                output.push_str(&line);
                output.push('\n');
            });
        }
    });
}

/// Parses the addresses from output lines that consist of a name, spaces and a URL.
fn addresses(output: &str) -> HashMap<String, String> {
    let address = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [name, url] if url.starts_with("http://") => Some((name.to_owned(), url.to_owned())),
        _ => None,
    };
    output.lines().filter_map(address).collect()
}
