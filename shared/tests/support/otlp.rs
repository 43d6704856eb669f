//! OTLP over HTTP: reads a request, and answers as configured.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    sync::{Mutex, mpsc::Sender},
    thread,
    time::{Duration, Instant},
};

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    },
    common::v1::{KeyValue, any_value},
    trace::v1::Span,
};
use prost::Message as _;

/// A request of an exporter.
pub(crate) struct Export {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// Length of the request body as sent, in bytes.
    pub(crate) sent: usize,
    /// The decoded spans. Empty for an export of metrics.
    pub(crate) request: ExportTraceServiceRequest,
    pub(crate) arrived: Instant,
    /// The answer of the collector to this export.
    pub(crate) answer: Answer,
}

/// How a collector answers an export.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Answer {
    Taken,
    Rejected(i64),
    Status(u16),
    /// Answers 503 with `Retry-After`, in seconds.
    RetryAfter(u64),
    /// Closes the connection instead of answering.
    HangUp,
    /// Resets the connection instead of answering.
    Reset,
    /// Answers 200, but closes the connection before the end of the response body.
    BreaksOff,
    /// Reads requests, but never answers.
    Silence,
    /// Accepts the spans, but answers after this many milliseconds.
    Slow(u64),
    /// Answers 413 if the request body, as sent, has more bytes than this.
    Limit(usize),
    /// Answers a request that has a span named `failed` with this status.
    Poison(u16),
    /// Closes the connection for a request that has a span named `failed`.
    PoisonHangUp,
    /// Resets the connection for a request that has a span named `failed`.
    PoisonReset,
    /// Accepts one request, and answers all further requests with 503.
    Once,
}

impl Answer {
    fn to(self, export: &Export, next: &mut Self) -> Self {
        match self {
            Self::Limit(bytes) if export.sent > bytes => Self::Status(413),
            Self::Poison(status) if export.spans().iter().any(|span| span.name == "failed") => {
                Self::Status(status)
            }
            Self::PoisonHangUp if export.spans().iter().any(|span| span.name == "failed") => {
                Self::HangUp
            }
            Self::PoisonReset if export.spans().iter().any(|span| span.name == "failed") => {
                Self::Reset
            }
            Self::Once => {
                *next = Self::Status(503);
                Self::Taken
            }
            Self::Limit(_)
            | Self::Poison(_)
            | Self::PoisonHangUp
            | Self::PoisonReset
            | Self::Slow(_) => Self::Taken,
            answer => answer,
        }
    }
}

impl Export {
    pub(crate) fn spans(&self) -> Vec<Span> {
        let resources = self.request.resource_spans.iter();
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    pub(crate) fn resource(&self) -> HashMap<String, String> {
        let resource = self.request.resource_spans[0].resource.as_ref().unwrap();
        resource.attributes.iter().map(pair).collect()
    }
}

fn pair(attribute: &KeyValue) -> (String, String) {
    let value = attribute
        .value
        .as_ref()
        .and_then(|value| value.value.as_ref());
    let Some(any_value::Value::StringValue(value)) = value else {
        panic!("{} is text", attribute.key);
    };
    (attribute.key.clone(), value.clone())
}

pub(super) fn serve(stream: &TcpStream, answers: &Mutex<Answer>, exports: &Sender<Export>) {
    let mut reader = BufReader::new(stream);
    while let Some(mut export) = receive(&mut reader) {
        let (set, answer) = {
            let mut next = answers.lock().unwrap();
            let set = *next;
            (set, set.to(&export, &mut next))
        };
        export.answer = answer;
        // Sending fails if the test has ended without waiting for this export.
        let _ = exports.send(export);
        if let Answer::Slow(milliseconds) = set {
            thread::sleep(Duration::from_millis(milliseconds));
        }
        let (status, rejected, retry_after) = match answer {
            Answer::Taken
            | Answer::Slow(_)
            | Answer::Limit(_)
            | Answer::Poison(_)
            | Answer::PoisonHangUp
            | Answer::PoisonReset
            | Answer::Once => (200, None, None),
            Answer::Rejected(spans) => (200, Some(spans), None),
            Answer::Status(status) => (status, None, None),
            Answer::RetryAfter(seconds) => (503, None, Some(seconds)),
            Answer::HangUp => return,
            Answer::Reset => {
                rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).unwrap();
                return;
            }
            Answer::BreaksOff => {
                let mut stream = stream;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n\x0a");
                return;
            }
            Answer::Silence => continue,
        };
        let retry_after = retry_after.map(|seconds| format!("retry-after: {seconds}\r\n"));
        let response = ExportTraceServiceResponse {
            partial_success: rejected.map(|rejected_spans| ExportTracePartialSuccess {
                rejected_spans,
                error_message: "too old".to_owned(),
            }),
        };
        let body = response.encode_to_vec();
        let head = format!(
            "HTTP/1.1 {status} .\r\ncontent-type: application/x-protobuf\r\n{}content-length: {}\r\n\r\n",
            retry_after.unwrap_or_default(),
            body.len()
        );
        let mut stream = stream;
        if stream
            .write_all(&[head.as_bytes(), &body].concat())
            .is_err()
        {
            return;
        }
    }
}

fn receive(reader: &mut BufReader<&TcpStream>) -> Option<Export> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(0) | Err(_) => return None,
            Ok(_) if line == "\r\n" => break,
            Ok(_) => lines.push(line.trim_end().to_owned()),
        }
    }
    let path = lines[0].split(' ').nth(1)?.to_owned();
    let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
    let headers: HashMap<String, String> = headers
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let sent = body.len();
    if headers
        .get("content-encoding")
        .is_some_and(|encoding| encoding == "gzip")
    {
        let mut plain = Vec::new();
        GzDecoder::new(body.as_slice())
            .read_to_end(&mut plain)
            .ok()?;
        body = plain;
    }
    let request = if path.ends_with("metrics") {
        ExportTraceServiceRequest::default()
    } else {
        ExportTraceServiceRequest::decode(body.as_slice()).ok()?
    };
    Some(Export {
        path,
        headers,
        body,
        sent,
        request,
        arrived: Instant::now(),
        answer: Answer::Silence,
    })
}
