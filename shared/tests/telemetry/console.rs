//! `OTEL_TRACES_EXPORTER=console`: each span is one write, so that lines of several processes do not mix.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    os::{fd::OwnedFd, unix::net::UnixDatagram},
    process::{self, Stdio},
    time::Duration,
};

use opentelemetry::{
    KeyValue, global,
    trace::{Span as _, Tracer as _},
};
use serde_json::Value;
use shared::telemetry;

use crate::support::{command, role};

/// Number of spans that a child process ends.
const SPANS: usize = 300;
/// Maximum number of attributes of a span in the role `large`. Each attribute has 1,000 bytes, so a span exceeds the
/// 4,096 bytes that a pipe accepts in one piece.
const ATTRIBUTES: usize = 60;

/// Ends spans in a child process: with one attribute each, or in the role `large` with up to [`ATTRIBUTES`] attributes.
#[test]
fn child() {
    let Some(role) = role() else { return };
    let telemetry = telemetry::init("console").unwrap();
    for number in 0..SPANS {
        let mut span = global::tracer("console").start(number.to_string());
        let attributes = if role == "large" {
            1 + number % ATTRIBUTES
        } else {
            1
        };
        for key in 0..attributes {
            span.set_attribute(KeyValue::new(key.to_string(), "x".repeat(1000)));
        }
    }
    telemetry.shutdown_blocking(Duration::ZERO);
}

/// Starts a child process with this standard error, to which the console exporter writes.
fn start(role: &str, stderr: impl Into<Stdio>) -> process::Child {
    let mut command = command("console::child", role);
    command
        .env("OTEL_TRACES_EXPORTER", "console")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr);
    command.spawn().unwrap()
}

/// Returns the name of the span that a line contains.
fn name(line: &str) -> String {
    let span: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    span["span"].as_str().unwrap().to_owned()
}

#[test]
fn each_span_is_one_write() {
    // Each datagram contains the bytes of one write.
    let (writer, reader) = UnixDatagram::pair().unwrap();
    reader
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    let mut child = start("large", OwnedFd::from(writer));
    let mut buffer = vec![0; 1 << 20];
    for number in 0..SPANS {
        let length = reader.recv(&mut buffer).expect("a span is written");
        let written = str::from_utf8(&buffer[..length]).unwrap();
        let line = written.strip_suffix('\n').expect("the line is complete");
        assert!(!line.contains('\n'), "one line: {line}");
        assert_eq!(name(line), number.to_string());
    }
    assert!(child.wait().unwrap().success());
    reader.set_nonblocking(true).unwrap();
    let more = reader.recv(&mut buffer).map_err(|error| error.kind());
    // Nothing more was written, because the child process has ended and its end of the socket is closed.
    assert!(
        matches!(more, Ok(0) | Err(io::ErrorKind::WouldBlock)),
        "{more:?}"
    );
}

#[test]
fn processes_sharing_pipe_keep_spans_whole() {
    let (read, mut write) = io::pipe().unwrap();
    // The pipe is nearly full and is read in small pieces, so that the processes block in the middle of writes.
    write.write_all("\n".repeat(60_000).as_bytes()).unwrap();
    let children = [(); 3].map(|()| start("small", write.try_clone().unwrap()));
    drop(write);
    let reader = BufReader::with_capacity(512, read);
    let lines = reader.lines().map(Result::unwrap);
    let spans = lines
        .filter(|line| !line.is_empty())
        .map(|line| name(&line));
    assert_eq!(spans.count(), 3 * SPANS);
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
}
