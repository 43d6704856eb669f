//! A gRPC collector on a real socket: answers as configured, and records the exports.

use std::{
    convert::Infallible,
    io::{self, Read as _, Write as _},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::net::TcpListener;

use crate::process::Process;

const PATIENCE: Duration = Duration::from_mins(1);

/// `google.rpc.Status` with a `RetryInfo` of three seconds, encoded for the `grpc-status-details-bin` header.
pub(crate) const IN_THREE_SECONDS: &str =
    "CAgSBGJ1c3kaMAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIECgIIAw";

#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Taken,
    Rejected(i64),
    /// Like `Rejected`, but with a response that is compressed with gzip.
    Compressed(i64),
    /// Accepts the spans, with a response in an encoding that the client did not offer.
    Encoded(&'static str),
    /// Answers with this gRPC status code, and optionally with status details.
    Code(u16, Option<&'static str>),
    /// Rejects messages of more bytes than this, like grpc-go, and accepts all others.
    Limit(usize),
    /// Resets the HTTP/2 stream.
    Reset,
    Silence,
}

pub(crate) struct Export {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) spans: usize,
    /// Names of the exported spans.
    pub(crate) names: Vec<String>,
    /// Whether the collector accepted the spans.
    pub(crate) is_accepted: bool,
    pub(crate) arrived: Instant,
}

/// A gRPC server of `TraceService/Export`.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    exports: Receiver<Export>,
    answer: Arc<Mutex<Answer>>,
}

impl Collector {
    pub(crate) fn answering(answer: Answer) -> Self {
        let (found, address) = channel();
        let (sender, exports) = channel();
        let answer = Arc::new(Mutex::new(answer));
        let answers = Arc::clone(&answer);
        let run = move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                found.send(listener.local_addr().unwrap()).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    let (sender, answers) = (sender.clone(), Arc::clone(&answers));
                    let service = service_fn(move |request| {
                        export(request, sender.clone(), Arc::clone(&answers))
                    });
                    let connection = http2::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service);
                    tokio::spawn(connection);
                }
            });
        };
        thread::Builder::new().spawn(run).unwrap();
        Self {
            address: address.recv_timeout(PATIENCE).unwrap(),
            exports,
            answer,
        }
    }

    pub(crate) fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(crate) fn export(&self) -> Export {
        self.exports.recv_timeout(PATIENCE).expect("an export")
    }

    /// Returns the exports that have arrived and were not returned before.
    pub(crate) fn exports(&self) -> Vec<Export> {
        self.exports.try_iter().collect()
    }

    /// Starts a service that exports to this collector without delay.
    pub(crate) fn process(&self, more: &[(&str, &str)]) -> Process {
        let endpoint = format!("http://{}", self.address);
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_BSP_SCHEDULE_DELAY", "20"),
        ];
        Process::start(&[&variables[..], more].concat())
    }
}

async fn export(
    request: Request<Incoming>,
    exports: Sender<Export>,
    answers: Arc<Mutex<Answer>>,
) -> io::Result<Response<impl http_body::Body<Data = Bytes, Error = Infallible>>> {
    let (head, body) = request.into_parts();
    let message = body.collect().await.unwrap().to_bytes();
    let (compressed, message) = (message[0] == 1, &message[5..]);
    let mut plain = message.to_vec();
    if compressed {
        plain.clear();
        GzDecoder::new(message).read_to_end(&mut plain).unwrap();
    }
    let request = ExportTraceServiceRequest::decode(plain.as_slice()).unwrap();
    let answer = *answers.lock().unwrap();
    let refusal = match answer {
        Answer::Limit(bytes) => over_limit(message.len(), plain.len(), bytes),
        _ => None,
    };
    let scopes = request
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans);
    let spans = scopes.flat_map(|scope| &scope.spans);
    let names: Vec<String> = spans.map(|span| span.name.clone()).collect();
    // Sending fails if the test has ended without waiting for this export.
    let _ = exports.send(Export {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        spans: names.len(),
        names,
        is_accepted: match answer {
            Answer::Taken | Answer::Encoded(_) | Answer::Limit(_) => refusal.is_none(),
            _ => false,
        },
        arrived: Instant::now(),
    });
    let encoding = match answer {
        Answer::Compressed(_) => Some("gzip"),
        Answer::Encoded(encoding) => Some(encoding),
        _ => None,
    };
    let (rejected, code, details) = match answer {
        Answer::Taken | Answer::Encoded(_) => (None, 0, None),
        Answer::Rejected(spans) | Answer::Compressed(spans) => (Some(spans), 0, None),
        Answer::Code(code, details) => (None, code, details),
        Answer::Limit(_) => (None, if refusal.is_some() { 8 } else { 0 }, None),
        Answer::Silence => return std::future::pending().await,
        Answer::Reset => return Err(io::Error::other("on purpose")),
    };
    let response = ExportTraceServiceResponse {
        partial_success: rejected.map(|rejected_spans| ExportTracePartialSuccess {
            rejected_spans,
            error_message: "too old".to_owned(),
        }),
    };
    let mut message = response.encode_to_vec();
    if matches!(answer, Answer::Compressed(_)) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&message).unwrap();
        message = encoder.finish().unwrap();
    }
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(code));
    let text = refusal.as_deref().unwrap_or("on%20purpose");
    trailers.insert("grpc-message", HeaderValue::from_str(text).unwrap());
    if let Some(details) = details {
        trailers.insert("grpc-status-details-bin", HeaderValue::from_static(details));
    }
    let flag = u8::from(encoding.is_some());
    let body = Full::new(Bytes::from([&[flag][..], &length, &message].concat()));
    let mut response = Response::builder().header("content-type", "application/grpc");
    if let Some(encoding) = encoding {
        response = response.header("grpc-encoding", encoding);
    }
    Ok(response
        .body(body.with_trailers(async { Some(Ok(trailers)) }))
        .unwrap())
}

/// Returns the status message with which grpc-go rejects a message over its size limit. The limit applies to the bytes
/// as sent, and then to the decompressed bytes.
fn over_limit(sent: usize, plain: usize, limit: usize) -> Option<String> {
    if sent > limit {
        Some(format!(
            "grpc: received message larger than max ({sent} vs. {limit})"
        ))
    } else if plain > limit {
        Some(format!(
            "grpc: received message after decompression larger than max {limit}"
        ))
    } else {
        None
    }
}
