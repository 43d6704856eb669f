//! [`Process`]: this test binary again, as a service whose environment is the test's to choose.

use std::{
    env,
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use opentelemetry::{
    KeyValue, global,
    trace::{Link, Span as _, SpanContext, TraceFlags, TraceState, Tracer as _},
};
use serde_json::Value;
use shared::{server::TraceLayer, task, telemetry};

use crate::wire::{Message, Service, forward};

/// Set in the service's process.
const ROLE: &str = "SETTINGS_TEST_SERVICE";
const ADDRESS: &str = "address=";
const COUNTS: &str = "counts=";

/// The service itself, and no test where the binary is run as one.
#[test]
fn service() {
    if env::var_os(ROLE).is_none() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let telemetry = match telemetry::init("from-code") {
            Ok(telemetry) => telemetry,
            Err(error) => {
                eprintln!("error: {error}");
                std::process::exit(1);
            }
        };
        let service = Service::start(TraceLayer::new()).await;
        println!("\n{ADDRESS}{}", service.address);
        let stop = task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        stop.await.unwrap().unwrap();
        record_a_span_with_two_of_everything();
        let spans = telemetry.shutdown(Duration::from_secs(10)).await;
        println!(
            "\n{COUNTS}{} {} {}",
            spans.ended, spans.exported, spans.lost
        );
    });
}

fn record_a_span_with_two_of_everything() {
    let two = || vec![KeyValue::new("one", 1), KeyValue::new("two", 2)];
    let other = SpanContext::new(
        1.into(),
        1.into(),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let tracer = global::tracer("settings");
    let mut span = tracer
        .span_builder("two of everything")
        .with_attributes(two())
        .with_links(
            [(); 2]
                .map(|()| Link::new(other.clone(), two(), 0))
                .to_vec(),
        )
        .start(&tracer);
    span.add_event("first", two());
    span.add_event("second", two());
}

/// A running service.
pub(crate) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    lines: Vec<String>,
    address: SocketAddr,
}

/// What a service has said, once it has ended.
pub(crate) struct Said {
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: String,
    /// Ended, exported, lost.
    pub(crate) spans: [u64; 3],
}

impl Process {
    /// Starts a service with these variables and no other, and waits until it listens.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        match Self::try_start(variables) {
            Ok(process) => process,
            Err(error) => panic!("the service did not start with {variables:?}: {error}"),
        }
    }

    /// What a service says that does not start.
    pub(crate) fn refused(variables: &[(&str, &str)]) -> String {
        match Self::try_start(variables) {
            Ok(_) => panic!("the service started with {variables:?}"),
            Err(error) => error,
        }
    }

    fn try_start(variables: &[(&str, &str)]) -> Result<Self, String> {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "process::service", "--nocapture", "--quiet"])
            .env_clear()
            .env(ROLE, "yes")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut process = Self {
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
            lines: Vec::new(),
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
        };
        loop {
            let mut line = String::new();
            if process.stdout.read_line(&mut line).unwrap() == 0 {
                assert!(!process.child.wait().unwrap().success());
                return Err(read(process.child.stderr.take().unwrap()));
            }
            if let Some(address) = line.trim_end().strip_prefix(ADDRESS) {
                process.address = address.parse().unwrap();
                return Ok(process);
            }
            process.lines.push(line.trim_end().to_owned());
        }
    }

    /// Has the service call another one twice; gives its answer and the two calls. It records four spans.
    pub(crate) fn forward(&self, lines: &[Vec<u8>]) -> (Message, [Message; 2]) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(forward(self.address, lines))
    }

    /// Stops the service, which records one more span.
    pub(crate) fn stop(mut self) -> Said {
        drop(self.child.stdin.take());
        let rest = read(&mut self.stdout);
        let stderr = read(self.child.stderr.take().unwrap());
        assert!(self.child.wait().unwrap().success(), "{rest}\n{stderr}");
        let mut stdout = std::mem::take(&mut self.lines);
        stdout.extend(rest.lines().map(str::to_owned));
        let counts = stdout.iter().find_map(|line| line.strip_prefix(COUNTS));
        let counts = counts.expect("the counts are printed").split(' ');
        let counts: Vec<u64> = counts.map(|count| count.parse().unwrap()).collect();
        Said {
            spans: counts.try_into().unwrap(),
            stdout,
            stderr,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Said {
    pub(crate) fn logs(&self) -> Vec<Value> {
        let lines = self.stdout.iter().filter(|line| line.starts_with('{'));
        lines
            .map(|line| serde_json::from_str(line).expect("a log line is JSON"))
            .collect()
    }

    /// The messages of the warnings.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let warnings = self.logs().into_iter().filter(|log| log["level"] == "WARN");
        warnings
            .map(|log| log["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Where the service says that its spans go.
    pub(crate) fn exporter(&self) -> String {
        let logs = self.logs();
        let log = logs.iter().find_map(|log| log["exporter"].as_str());
        log.expect("the exporter is logged").to_owned()
    }

    /// All of it, to look for what must not be there.
    pub(crate) fn all(&self) -> String {
        self.stdout.join("\n") + &self.stderr
    }
}

fn read(mut from: impl std::io::Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}
