//! OTLP over gRPC: calls the unary method `opentelemetry.proto.collector.trace.v1.TraceService/Export` with an encoded
//! request. The response is decoded here rather than by `tonic::client`, which reports its own errors and the
//! collector's status in one type.

use std::{
    error::Error as StdError,
    future::poll_fn,
    io,
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper::rt::Executor;
use tonic::{
    body::Body,
    transport::{Channel, Endpoint},
};
use tower_service::Service as _;
use tracing::{Dispatch, instrument::WithSubscriber as _};

use self::answer::Answer;
use super::{Outcome, RESPONSE_BYTES, causes, connect::ConnectTimeout, hint, root_cause};
use crate::export::{error::BuildError, settings::Settings};

mod answer;

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// The shortest interval of keep-alive pings that grpc-go servers accept by default. At a shorter interval, these
/// servers close the connection at the fourth ping since their last response.
const LONGEST_KEEP_ALIVE: Duration = Duration::from_mins(5);

pub(in crate::export) struct Grpc {
    connection: Mutex<Connection>,
    headers: HeaderMap,
    pub(super) gzip: bool,
}

/// Runs the background tasks of a gRPC channel and discards their `tracing` events.
struct Quiet;

impl Executor<Task> for Quiet {
    fn execute(&self, task: Task) {
        #[expect(
            clippy::redundant_async_block,
            reason = "drops the task before the block completes, so that the events of destructors reach no layer either"
        )]
        let task = async move { task.await };
        #[expect(clippy::disallowed_methods, reason = "an export is in no trace")]
        drop(tokio::spawn(task.with_subscriber(Dispatch::none())));
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Connection {
    endpoint: Endpoint,
    timeout: ConnectTimeout,
    channel: Channel,
    /// Whether the server has responded to a gRPC call. Before that, errors are logged with a hint that the protocol
    /// may be wrong.
    speaks_grpc: bool,
}

impl Grpc {
    pub(super) fn new(settings: &Settings) -> Result<Self, BuildError> {
        // Keep-alive pings detect a dead connection before the attempt times out. They are sent only while a response
        // is pending.
        let keep_alive = (settings.timeout / 3).min(LONGEST_KEEP_ALIVE);
        let endpoint = Endpoint::from_shared(settings.endpoint.to_string())
            .and_then(|endpoint| endpoint.user_agent(super::USER_AGENT))
            .map_err(BuildError::Channel)?
            .executor(Quiet)
            .http2_keep_alive_interval(keep_alive)
            .keep_alive_timeout(keep_alive);
        #[cfg(feature = "tls")]
        let endpoint = if settings.endpoint.scheme() == "https" {
            endpoint
                .tls_config(crate::export::tls::client_config(settings))
                .map_err(BuildError::Channel)?
        } else {
            endpoint
        };
        Ok(Self {
            connection: Mutex::new(Connection::new(endpoint, ConnectTimeout::new(settings))),
            headers: headers(settings),
            gzip: settings.gzip,
        })
    }

    pub(super) async fn send(&self, request: Bytes, timeout: Duration) -> Outcome {
        let channel = self.with_connection(|connection| connection.channel.clone());
        let started = Instant::now();
        match tokio::time::timeout(timeout, self.call(channel, request)).await {
            Ok(Ok(answer)) => {
                self.with_connection(|connection| connection.answered(&answer));
                answer.outcome()
            }
            Ok(Err(error)) => {
                self.with_connection(|connection| connection.failed(&*error, started.elapsed()));
                if is_connect(&*error) {
                    Outcome::unsent(self.reason(&*error))
                } else if is_keep_alive(&*error) {
                    Outcome::unanswered("no answer to keep-alive pings".to_owned())
                } else {
                    Outcome::later(self.reason(&*error))
                }
            }
            Err(_) => {
                self.with_connection(Connection::renew);
                Outcome::silent(timeout)
            }
        }
    }

    pub(super) fn renew(&self) {
        self.with_connection(Connection::renew);
    }

    fn with_connection<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> T {
        let connection = self.connection.lock();
        work(&mut connection.unwrap_or_else(PoisonError::into_inner))
    }

    async fn call(
        &self,
        mut channel: Channel,
        message: Bytes,
    ) -> Result<Answer, Box<dyn StdError + Send + Sync>> {
        let mut request = Request::post(EXPORT).body(Body::new(Full::new(self.frame(&message))))?;
        *request.headers_mut() = self.headers.clone();
        poll_fn(|context| channel.poll_ready(context)).await?;
        let (head, mut body) = channel.call(request).await?.into_parts();
        let mut answer = Answer {
            status: head.status,
            headers: head.headers,
            trailers: HeaderMap::new(),
            body: BytesMut::new(),
        };
        while let Some(frame) = body.frame().await {
            match frame?.into_data() {
                Ok(data) if answer.body.len() + data.len() <= RESPONSE_BYTES => {
                    answer.body.put(data);
                }
                Ok(_) => {}
                Err(frame) => answer.trailers = frame.into_trailers().unwrap_or_default(),
            }
        }
        Ok(answer)
    }

    /// Prefixes a message with its compression flag and length, as gRPC requires.
    fn frame(&self, message: &[u8]) -> Bytes {
        let length = u32::try_from(message.len()).expect("a batch is bounded to a few megabytes");
        let mut frame = BytesMut::with_capacity(5 + message.len());
        frame.put_u8(u8::from(self.gzip));
        frame.put_u32(length);
        frame.put(message);
        frame.freeze()
    }

    fn reason(&self, error: &(dyn StdError + 'static)) -> String {
        let reason = root_cause(error);
        if is_connect(error) {
            return reason;
        }
        if self.with_connection(|connection| connection.speaks_grpc) {
            reason
        } else {
            format!("{reason}: {}", hint::GRPC)
        }
    }
}

/// Returns whether the request failed because no connection was made.
fn is_connect(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(<dyn StdError>::is::<tonic::ConnectError>)
}

/// Returns whether the server stopped responding to keep-alive pings. The collector may have received the spans.
/// Compares the error's message, because hyper's error type for this case is private.
fn is_keep_alive(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| cause.to_string() == "keep-alive timed out")
}

impl Connection {
    fn new(endpoint: Endpoint, timeout: ConnectTimeout) -> Self {
        Self {
            channel: endpoint
                .clone()
                .connect_timeout(timeout.get())
                .connect_lazy(),
            endpoint,
            timeout,
            speaks_grpc: false,
        }
    }

    /// Opens a new connection for the next request: the current connection may be dead, or a load balancer may choose
    /// another backend.
    fn renew(&mut self) {
        let endpoint = self.endpoint.clone().connect_timeout(self.timeout.get());
        self.channel = endpoint.connect_lazy();
    }

    fn answered(&mut self, answer: &Answer) {
        self.timeout.reset();
        self.speaks_grpc = true;
        if answer.is_unavailable() {
            self.renew();
        }
    }

    /// Opens a new connection with a longer timeout after a connection timed out. After other errors, the channel
    /// reconnects by itself.
    fn failed(&mut self, error: &(dyn StdError + 'static), after: Duration) {
        let timed_out = causes(error)
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| cause.kind() == io::ErrorKind::TimedOut);
        if timed_out && after >= self.timeout.get() {
            self.timeout.grow();
            self.renew();
        }
    }
}

fn headers(settings: &Settings) -> HeaderMap {
    let mut headers = settings.headers.clone();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("te", HeaderValue::from_static("trailers"));
    let accepted = HeaderValue::from_static("gzip,identity");
    headers.insert("grpc-accept-encoding", accepted);
    if settings.gzip {
        headers.insert("grpc-encoding", HeaderValue::from_static("gzip"));
    }
    headers
}
