//! Runs the services of docs/lift.md as written there, calls them, and stops them while a task is running.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]
#![expect(
    clippy::disallowed_methods,
    reason = "threads of the collector have no trace"
)]

#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::HashMap,
    error::Error,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::mpsc,
    thread,
    time::Duration,
};

use opentelemetry_proto::tonic::{
    common::v1::any_value::Value::StringValue,
    trace::v1::{Span, span::SpanKind},
};
use support::{Child, collector::Collector, command, get, role};

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

/// Time limit of each wait, so that a hanging process fails the test.
const PATIENCE: Duration = Duration::from_mins(1);

const CALLERS_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLERS_SPAN: &str = "00f067aa0ba902b7";

/// Runs the service in a child process. Does nothing in an ordinary test run.
#[test]
fn process() -> Result<(), Box<dyn Error>> {
    match role().as_deref() {
        Some("service") => assert_eq!(service::run(), std::process::ExitCode::SUCCESS),
        Some(_) => by_hand::run()?,
        None => {}
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
    let mut service = start(role, &collector, &inventory);
    let listening = service.log("listening");
    let address = listening["address"].as_str().unwrap().parse().unwrap();
    let traceparent = format!("traceparent: 00-{CALLERS_TRACE}-{CALLERS_SPAN}-01\r\n");

    let answer = get(address, "/nothing-here", &traceparent);
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(answer.contains(r#""code":"not_found""#), "{answer}");
    let answer = get(address, "/hello", &traceparent);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // The response has arrived, but a task of the handler still waits for this call to be answered.
    let (sender, accepted) = mpsc::channel();
    drop(thread::spawn(move || sender.send(inventory.accept())));
    let (mut call, _) = accepted.recv_timeout(PATIENCE).unwrap().unwrap();
    let told = called_with(&mut call);
    service.signal("-TERM");
    while TcpStream::connect(address).is_ok() {}
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    // On a slow machine, the call may have timed out by now. The call has a span in any case.
    let _ = call.write_all(answer);

    service.log("stopped");
    assert!(service.wait().success());
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

/// Starts a service whose outgoing calls all go to `inventory`. The listener is set as the HTTP proxy of the service,
/// because the address in the example may be in use.
fn start(role: &str, collector: &Collector, inventory: &TcpListener) -> Child {
    let proxy = format!("http://{}", inventory.local_addr().unwrap());
    let endpoint = format!("http://localhost:{}", collector.address.port());
    let mut service = command("process", role);
    service
        .env("LISTEN_ADDR", "127.0.0.1:0")
        .env("HTTP_PROXY", proxy)
        .env("NO_PROXY", "localhost")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        // The delay is so long that spans are only exported when the process ends.
        .env("OTEL_BSP_SCHEDULE_DELAY", "600000");
    Child::start(&mut service)
}

/// Reads the head of a call and returns its `traceparent`.
fn called_with(call: &mut TcpStream) -> String {
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
