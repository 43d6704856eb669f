//! [`Process`]: runs this test binary as a service with a given environment.

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
/// Sets the shutdown timeout of the service, in seconds.
pub(crate) const DEADLINE: &str = "SETTINGS_TEST_DEADLINE";
const ADDRESS: &str = "address=";
const COUNTS: &str = "counts=";

/// Runs the service if [`ROLE`] is set. Otherwise, it does nothing.
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
        task::spawn_blocking(run_commands).await.unwrap();
        record_span_with_two_of_everything();
        let spans = telemetry.shutdown(deadline()).await;
        println!("\n{COUNTS}{}", counts(&spans));
    });
}

/// Runs the commands on standard input, one per line, until its end.
fn run_commands() {
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

/// Ends a span that has this text in every text field.
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

/// Ends one span on a thread, and one in the destructor of its first thread-local.
fn end_span_with_its_thread() {
    let thread = std::thread::Builder::new().spawn(|| {
        let tracer = global::tracer("settings");
        // Initialized first, so it is dropped last.
        KEPT.set(Some(tracer.start("kept")));
        tracer.start("not kept").end();
    });
    thread.unwrap().join().unwrap();
}

/// Ends a span that failed with this error text.
fn end_failed_span(text: &str) {
    let tracer = global::tracer("settings");
    let mut span = tracer.start("failed");
    span.add_event(
        "exception",
        vec![KeyValue::new("exception.message", text.to_owned())],
    );
    span.set_status(Status::error(text.to_owned()));
}

/// Returns 4 kB of random hexadecimal digits.
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

/// Returns the context of a span of another process, for links.
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

fn record_span_with_two_of_everything() {
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

/// The output of a service that has ended.
pub(crate) struct Said {
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: String,
    /// Ended, exported, lost.
    pub(crate) spans: [u64; 3],
    pub(crate) counts: Value,
}

impl Process {
    /// Starts a service with only these variables, and waits until it listens.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        match Self::try_start(variables) {
            Ok(process) => process,
            Err(error) => panic!("the service did not start with {variables:?}: {error}"),
        }
    }

    /// Returns the standard error of a service that does not start.
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

    /// Makes the service call another one twice, which records four spans. Returns its answer and the two calls.
    pub(crate) fn forward(&self, lines: &[Vec<u8>]) -> (Message, [Message; 2]) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(forward(self.address, lines))
    }

    /// Makes the service end this many spans. Returns the counters.
    pub(crate) fn end_spans(&mut self, number: usize) -> Value {
        self.order(&format!("spans {number}"))
    }

    /// Like [`end_spans`](Self::end_spans), but with different spans of 4 kB each.
    pub(crate) fn end_random_spans(&mut self, number: usize) -> Value {
        self.order(&format!("random {number}"))
    }

    /// Like [`end_spans`](Self::end_spans), but with a span that has this text in every text field.
    pub(crate) fn end_long_span(&mut self, text: &str) -> Value {
        self.order(&format!("long {text}"))
    }

    /// Like [`end_spans`](Self::end_spans), but with two spans on one thread, one of which ends with the thread.
    pub(crate) fn end_span_with_its_thread(&mut self) -> Value {
        self.order("kept span")
    }

    /// Like [`end_spans`](Self::end_spans), but with a span that failed with this error text.
    pub(crate) fn end_failed_span(&mut self, text: &str) -> Value {
        self.order(&format!("failed {text}"))
    }

    /// Like [`end_spans`](Self::end_spans), but with five spans and fifty log lines that have errors with this text.
    pub(crate) fn record_errors(&mut self, text: &str) -> Value {
        self.order(&format!("errors {text}"))
    }

    /// Like [`end_spans`](Self::end_spans), but with one span of this many bytes.
    pub(crate) fn end_span_of(&mut self, bytes: usize) -> Value {
        self.order(&format!("wide {bytes}"))
    }

    /// Like [`end_spans`](Self::end_spans), but with one span in each of this many scopes.
    pub(crate) fn end_span_in_each_scope(&mut self, scopes: usize) -> Value {
        self.order(&format!("scopes {scopes}"))
    }

    /// Returns the counters.
    pub(crate) fn counts(&mut self) -> Value {
        self.order("")
    }

    fn order(&mut self, order: &str) -> Value {
        writeln!(self.stdin.as_mut().unwrap(), "{order}").unwrap();
        self.line_with(|line| serde_json::from_str(line.strip_prefix(COUNTS)?).ok())
    }

    /// Returns the next log line with this message.
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

    /// Reads until a line matches. Keeps the lines before it.
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

    /// Returns the messages of the warnings.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let warnings = self.logs().into_iter().filter(|log| log["level"] == "WARN");
        warnings
            .map(|log| log["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Returns the reasons why the collector did not accept spans.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let logs = self.logs();
        let reasons = logs.iter().filter_map(|log| log["reason"].as_str());
        reasons.map(str::to_owned).collect()
    }

    /// Returns the exporter in the start-up line.
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

    /// Returns the whole output.
    pub(crate) fn all(&self) -> String {
        self.stdout.join("\n") + &self.stderr
    }
}

/// Returns the number of dropped spans, for any reason.
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
