//! [`Process`]: this test binary again, as a service whose environment is the test's to choose.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use opentelemetry::{
    Array, KeyValue, global,
    trace::{Link, Span as _, SpanContext, Status, TraceFlags, TraceState, Tracer as _},
};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};
use serde_json::Value;
use shared::{
    server::TraceLayer,
    task,
    telemetry::{self, SpanCounts},
};

use crate::{
    errors,
    wire::{Message, Service, forward},
};

/// Set in the service's process.
const ROLE: &str = "SETTINGS_TEST_SERVICE";
/// How long its shutdown may take, in seconds.
pub(crate) const DEADLINE: &str = "SETTINGS_TEST_DEADLINE";
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
        task::spawn_blocking(obey).await.unwrap();
        record_a_span_with_two_of_everything();
        let spans = telemetry.shutdown(deadline()).await;
        println!("\n{COUNTS}{}", counts(&spans));
    });
}

/// Does what the test says, line by line, until it says no more.
fn obey() {
    for line in io::stdin().lines() {
        let line = line.unwrap();
        match line.split_once(' ') {
            Some(("spans", number)) => end_spans(number.parse().unwrap(), String::new),
            Some(("random", number)) => end_spans(number.parse().unwrap(), random),
            Some(("long", text)) => end_long_span(text),
            Some(("scopes", number)) => end_span_in_each_scope(number.parse().unwrap()),
            Some(("kept", _)) => end_span_with_its_thread(),
            Some(("failed", text)) => end_failed_span(text),
            Some(("errors", text)) => errors::record(text),
            Some(("wide", length)) => end_spans(1, || "x".repeat(length.parse().unwrap())),
            _ => {}
        }
        println!("\n{COUNTS}{}", counts(&telemetry::spans()));
    }
}

/// Ends spans that are named by their number.
fn end_spans(number: u64, value: impl Fn() -> String) {
    let tracer = global::tracer("settings");
    for number in 0..number {
        let mut span = tracer.start(number.to_string());
        span.set_attribute(KeyValue::new("value", value()));
    }
}

fn end_span_in_each_scope(number: u64) {
    for number in 0..number {
        let tracer = global::tracer(format!("scope {number}"));
        tracer.start("span").end();
    }
}

/// Ends a span with a text wherever a text may be.
fn end_long_span(text: &str) {
    let value = || KeyValue::new("value", text.to_owned());
    let list = Array::String(vec![text.to_owned().into()]);
    let tracer = global::tracer("settings");
    let mut span = tracer
        .span_builder("long")
        .with_attributes([
            value(),
            KeyValue::new("list", opentelemetry::Value::Array(list)),
        ])
        .with_links(vec![Link::new(other(), vec![value()], 0)])
        .start(&tracer);
    span.add_event(
        "exception",
        vec![
            KeyValue::new("exception.message", text.to_owned()),
            KeyValue::new("exception.stacktrace", text.to_owned()),
        ],
    );
}

thread_local! {
    static KEPT: std::cell::RefCell<Option<global::BoxedSpan>> = const { std::cell::RefCell::new(None) };
}

/// Ends one span on a thread, and one when everything else that the thread keeps is gone.
fn end_span_with_its_thread() {
    let thread = std::thread::Builder::new().spawn(|| {
        let tracer = global::tracer("settings");
        // First to be kept, so last to go.
        KEPT.set(Some(tracer.start("kept")));
        tracer.start("not kept").end();
    });
    thread.unwrap().join().unwrap();
}

/// Ends a span that says of its failure what an error has said.
fn end_failed_span(text: &str) {
    let tracer = global::tracer("settings");
    let mut span = tracer.start("failed");
    span.add_event(
        "exception",
        vec![KeyValue::new("exception.message", text.to_owned())],
    );
    span.set_status(Status::error(text.to_owned()));
}

/// 4 kB that cannot be told from noise.
fn random() -> String {
    let ids = RandomIdGenerator::default();
    (0..125).map(|_| ids.new_trace_id().to_string()).collect()
}

fn deadline() -> Duration {
    let seconds = env::var(DEADLINE).map_or(Ok(10), |seconds| seconds.parse());
    Duration::from_secs(seconds.unwrap())
}

fn counts(spans: &SpanCounts) -> String {
    serde_json::to_string(spans).unwrap()
}

/// Another process's span, to be linked to.
fn other() -> SpanContext {
    let (trace_id, span_id) = (1.into(), 1.into());
    SpanContext::new(
        trace_id,
        span_id,
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    )
}

fn record_a_span_with_two_of_everything() {
    let two = || vec![KeyValue::new("one", 1), KeyValue::new("two", 2)];
    let tracer = global::tracer("settings");
    let mut span = tracer
        .span_builder("two of everything")
        .with_attributes(two())
        .with_links([(); 2].map(|()| Link::new(other(), two(), 0)).to_vec())
        .start(&tracer);
    span.add_event("first", two());
    span.add_event("second", two());
}

/// A running service.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
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
    pub(crate) counts: Value,
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
            stdin: child.stdin.take(),
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

    /// Has the service end so many spans; gives what became of all of them so far.
    pub(crate) fn end_spans(&mut self, number: usize) -> Value {
        self.order(&format!("spans {number}"))
    }

    /// The same with spans of 4 kB each, all different.
    pub(crate) fn end_random_spans(&mut self, number: usize) -> Value {
        self.order(&format!("random {number}"))
    }

    /// The same with a span that has a text wherever a text may be.
    pub(crate) fn end_long_span(&mut self, text: &str) -> Value {
        self.order(&format!("long {text}"))
    }

    /// The same with two spans of a thread, one of which ends with it.
    pub(crate) fn end_span_with_its_thread(&mut self) -> Value {
        self.order("kept span")
    }

    /// The same with a span that failed, and says so.
    pub(crate) fn end_failed_span(&mut self, text: &str) -> Value {
        self.order(&format!("failed {text}"))
    }

    /// Like [`end_spans`](Self::end_spans), but with five spans and fifty log lines that have errors with this text.
    pub(crate) fn record_errors(&mut self, text: &str) -> Value {
        self.order(&format!("errors {text}"))
    }

    /// The same with one span of so many bytes.
    pub(crate) fn end_span_of(&mut self, bytes: usize) -> Value {
        self.order(&format!("wide {bytes}"))
    }

    /// The same with one span in each of so many scopes.
    pub(crate) fn end_span_in_each_scope(&mut self, scopes: usize) -> Value {
        self.order(&format!("scopes {scopes}"))
    }

    /// What became of the spans so far.
    pub(crate) fn counts(&mut self) -> Value {
        self.order("")
    }

    fn order(&mut self, order: &str) -> Value {
        writeln!(self.stdin.as_mut().unwrap(), "{order}").unwrap();
        self.line_with(|line| serde_json::from_str(line.strip_prefix(COUNTS)?).ok())
    }

    /// The next log line with this message.
    pub(crate) fn log(&mut self, message: &str) -> Value {
        let position = self
            .lines
            .iter()
            .position(|line| said(line, message).is_some());
        if let Some(position) = position {
            let line = self.lines.remove(position);
            return said(&line, message).unwrap();
        }
        self.line_with(|line| said(line, message))
    }

    /// Reads on until there is such a line. The lines before it are kept.
    fn line_with<T>(&mut self, wanted: impl Fn(&str) -> Option<T>) -> T {
        loop {
            let mut line = String::new();
            let read = self.stdout.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "the service has ended: {:#?}", self.lines);
            if let Some(found) = wanted(line.trim_end()) {
                return found;
            }
            self.lines.push(line.trim_end().to_owned());
        }
    }

    /// Stops the service, which records one more span.
    pub(crate) fn stop(mut self) -> Said {
        drop(self.stdin.take());
        let rest = read(&mut self.stdout);
        let stderr = read(self.child.stderr.take().unwrap());
        assert!(self.child.wait().unwrap().success(), "{rest}\n{stderr}");
        let mut stdout = std::mem::take(&mut self.lines);
        stdout.extend(rest.lines().map(str::to_owned));
        let counts = stdout
            .iter()
            .rev()
            .find_map(|line| line.strip_prefix(COUNTS));
        let counts: Value = serde_json::from_str(counts.expect("the counts are printed")).unwrap();
        assert_eq!(counts["waiting"], 0);
        Said {
            spans: [
                number(&counts["ended"]),
                number(&counts["exported"]),
                lost(&counts),
            ],
            counts,
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

    /// Why the collector did not take spans.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let logs = self.logs();
        let reasons = logs.iter().filter_map(|log| log["reason"].as_str());
        reasons.map(str::to_owned).collect()
    }

    /// Where the service says that its spans go.
    pub(crate) fn exporter(&self) -> String {
        let logs = self.logs();
        let log = logs.iter().find_map(|log| log["exporter"].as_str());
        log.expect("the exporter is logged").to_owned()
    }

    /// Returns the proxy in the start-up line.
    pub(crate) fn proxy(&self) -> Option<String> {
        let logs = self.logs();
        let start = logs.iter().find(|log| log["exporter"].is_string());
        let start = start.expect("the exporter is logged");
        start["proxy"].as_str().map(ToOwned::to_owned)
    }

    /// All of it, to look for what must not be there.
    pub(crate) fn all(&self) -> String {
        self.stdout.join("\n") + &self.stderr
    }
}

/// Of the counts, all that are lost, whatever for.
pub(crate) fn lost(counts: &Value) -> u64 {
    counts["lost"]
        .as_object()
        .unwrap()
        .values()
        .map(number)
        .sum()
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn said(line: &str, message: &str) -> Option<Value> {
    let log: Value = serde_json::from_str(line).ok()?;
    (log["message"] == message).then_some(log)
}

fn read(mut from: impl std::io::Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}
