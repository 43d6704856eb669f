//! Runs the services of docs/lift.md as written there, calls them, and stops them while a task is running.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]
#![expect(
    clippy::disallowed_methods,
    reason = "threads of the collector have no trace"
)]

#[expect(dead_code, reason = "other tests use all of it")]
#[path = "../settings/collector.rs"]
mod collector;
#[path = "../support/watchdog.rs"]
mod watchdog;

use std::{
    collections::HashMap,
    env,
    error::Error,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use collector::Collector;
use opentelemetry_proto::tonic::{
    common::v1::any_value::Value::StringValue,
    trace::v1::{Span, span::SpanKind},
};
use serde_json::Value;
use watchdog::Watchdog;

mod service {
    include!("service.rs");

    pub(super) fn run() -> ExitCode {
        main()
    }
}

mod by_hand {
    include!("by_hand.rs");

    pub(super) fn run() -> Result<(), Box<dyn Error>> {
        main()
    }
}

/// Time limit of a process that hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// Environment variable with the name of the service to run.
const ROLE: &str = "LIFT_TEST_SERVICE";

const CALLERS_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLERS_SPAN: &str = "00f067aa0ba902b7";

/// Runs the service. Does nothing in an ordinary test run.
#[test]
fn process() -> Result<(), Box<dyn Error>> {
    match env::var(ROLE).as_deref() {
        Ok("service") => assert_eq!(service::run(), std::process::ExitCode::SUCCESS),
        Ok(_) => by_hand::run()?,
        Err(_) => {}
    }
    Ok(())
}

#[test]
fn page_shows_tested_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("../docs/lift.md")).unwrap();
    for example in ["service", "by_hand"] {
        let file = root.join("tests/lift").join(example).with_extension("rs");
        let file = fs::read_to_string(file).unwrap();
        let (_, code) = file.split_once("\n\n").unwrap();
        assert!(
            page.contains(&format!("```rust,no_run\n{code}```\n")),
            "docs/lift.md does not contain this part of shared/tests/lift/{example}.rs:\n{code}"
        );
    }
}

#[test]
fn sigterm_with_running_task_loses_nothing() {
    joins_and_loses_nothing("service");
}

#[test]
fn manual_setup_loses_nothing_on_sigterm() {
    joins_and_loses_nothing("by_hand");
}

fn joins_and_loses_nothing(role: &str) {
    let collector = Collector::start();
    let inventory = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut service = Process(start(role, &collector, &inventory));
    let pid = service.0.id();
    let _watchdog = Watchdog::over(pid, PATIENCE);
    let mut log = BufReader::new(service.0.stdout.take().unwrap());
    let address = line(&mut log, "listening")["address"].clone();
    let address = address.as_str().unwrap();

    let answer = ask(address, "/nothing-here");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(answer.contains(r#""code":"not_found""#), "{answer}");
    let answer = ask(address, "/hello");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // The response has arrived, and the task is still waiting for this:
    let (sender, accepted) = mpsc::channel();
    drop(thread::spawn(move || sender.send(inventory.accept())));
    let (mut call, _) = accepted.recv_timeout(PATIENCE).unwrap().unwrap();
    let told = traceparent(&mut call);
    let kill = Command::new("kill")
        .args(["-TERM", &pid.to_string()])
        .status();
    assert!(kill.unwrap().success());
    while TcpStream::connect(address).is_ok() {}
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    // On a slow machine the call may have timed out by now. Its span exists anyway.
    let _ = call.write_all(answer);

    line(&mut log, "stopped");
    assert!(service.0.wait().unwrap().success());
    let spans = collector.spans();
    let mut names: Vec<_> = spans.keys().collect();
    names.sort();
    assert_eq!(names, ["GET", "GET /check/{item_id}", "GET /hello"]);
    let (server, client) = (&spans["GET /hello"], &spans["GET /check/{item_id}"]);
    assert_eq!(server.kind(), SpanKind::Server);
    assert_eq!(hex(&server.parent_span_id), CALLERS_SPAN);
    let attributes = texts(server);
    assert_eq!(attributes.get("client.address"), Some(&"127.0.0.1"));
    assert_eq!(attributes.get("http.route"), Some(&"/hello"));
    assert_eq!(client.kind(), SpanKind::Client);
    assert_eq!(client.parent_span_id, server.span_id);
    assert_eq!(
        told,
        format!("00-{CALLERS_TRACE}-{}-01", hex(&client.span_id))
    );
}

/// A process that is killed on drop.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a service whose calls all go to `inventory`, which is its proxy, because the address in the example may be in use.
fn start(role: &str, collector: &Collector, inventory: &TcpListener) -> Child {
    let proxy = format!("http://{}", inventory.local_addr().unwrap());
    let endpoint = format!("http://localhost:{}", collector.address.port());
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "process", "--nocapture", "--quiet"])
        .env_clear()
        .env(ROLE, role)
        .env("LISTEN_ADDR", "127.0.0.1:0")
        .env("HTTP_PROXY", proxy)
        .env("NO_PROXY", "localhost")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        // Spans are only exported at the end of the process.
        .env("OTEL_BSP_SCHEDULE_DELAY", "600000")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Returns the next log line with this message.
fn line(log: &mut impl std::io::BufRead, message: &str) -> Value {
    let lines = log.lines().map(Result::unwrap);
    let mut lines = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    let found = lines.find(|line| line["message"] == message);
    found.unwrap_or_else(|| panic!("the log ended without `{message}`"))
}

fn ask(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         traceparent: 00-{CALLERS_TRACE}-{CALLERS_SPAN}-01\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Reads a call and returns its `traceparent`.
fn traceparent(call: &mut TcpStream) -> String {
    call.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = BufReader::new(call).lines().map(Result::unwrap);
    let mut headers = head.take_while(|line| !line.is_empty());
    let header = headers.find_map(|line| Some(line.strip_prefix("traceparent: ")?.to_owned()));
    header.expect("the call has a traceparent")
}

/// Returns the string attributes of a span.
fn texts(span: &Span) -> HashMap<&str, &str> {
    let mut texts = HashMap::new();
    for attribute in &span.attributes {
        if let Some(StringValue(text)) = attribute.value.as_ref().and_then(|it| it.value.as_ref()) {
            texts.insert(attribute.key.as_str(), text.as_str());
        }
    }
    texts
}

fn hex(id: &[u8]) -> String {
    let digits = id.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
