//! [`Transport`]: sends a batch to the collector once, and derives the [`Outcome`] from the response by the
//! [OTLP specification](https://opentelemetry.io/docs/specs/otlp/#otlpgrpc).

mod connect;
#[cfg(feature = "grpc")]
mod grpc;
mod hint;
mod http;

use std::{error::Error as StdError, time::Duration};

use bytes::Bytes;

use super::{
    error::BuildError,
    settings::{Protocol, Settings},
};

/// Maximum response bytes to read; the rest is ignored.
const RESPONSE_BYTES: usize = 64 * 1024;

const USER_AGENT: &str = concat!("OTel-OTLP-Exporter-Rust/", env!("CARGO_PKG_VERSION"));

/// The outcome of an attempt to export a batch.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The collector accepted the spans, except for `rejected` of them.
    Taken { rejected: u64, message: String },
    /// The collector will never accept these spans.
    Refused(String),
    /// The request is larger than the collector, or a proxy in front of it, accepts. A request with fewer spans may be
    /// accepted.
    TooLarge {
        reason: String,
        /// Whether the specification lists the status as retryable. If so, a single span is sent again rather than
        /// dropped.
        retryable: bool,
    },
    /// The collector may accept the spans later.
    Later {
        /// The error message of the operating system or the collector, for the log.
        reason: String,
        /// The delay that the collector requested before the next attempt.
        after: Option<Duration>,
        /// Whether no response came in time. The collector may have received the spans.
        silent: bool,
        /// Whether no connection was made. The collector then does not have the spans.
        unsent: bool,
    },
}

impl Outcome {
    fn later(reason: impl Into<String>) -> Self {
        Self::Later {
            reason: reason.into(),
            after: None,
            silent: false,
            unsent: false,
        }
    }

    fn unsent(reason: impl Into<String>) -> Self {
        Self::Later {
            reason: reason.into(),
            after: None,
            silent: false,
            unsent: true,
        }
    }

    /// Converts `TooLarge` to another outcome, for a request with a single span, which cannot be split.
    pub(super) fn indivisible(self) -> Self {
        match self {
            Self::TooLarge {
                reason,
                retryable: true,
            } => Self::later(reason),
            Self::TooLarge { reason, .. } => Self::Refused(reason),
            outcome => outcome,
        }
    }

    /// Returns the outcome of an attempt that panicked, which is handled like an attempt without a response.
    pub(super) fn panicked() -> Self {
        Self::unanswered("the attempt panicked".to_owned())
    }

    fn silent(timeout: Duration) -> Self {
        let timeout = humantime::format_duration(timeout);
        Self::unanswered(format!("no answer within {timeout}"))
    }

    fn unanswered(reason: String) -> Self {
        Self::Later {
            reason,
            after: None,
            silent: true,
            unsent: false,
        }
    }
}

pub(super) enum Transport {
    Http(Box<http::Http>),
    #[cfg(feature = "grpc")]
    Grpc(Box<grpc::Grpc>),
}

impl Transport {
    /// Creates the transport. Must be called in the context of the Tokio runtime that sends the requests.
    pub(super) fn new(settings: &Settings) -> Result<Self, BuildError> {
        Ok(match settings.protocol {
            Protocol::HttpProtobuf => Self::Http(Box::new(http::Http::new(settings)?)),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => Self::Grpc(Box::new(grpc::Grpc::new(settings)?)),
        })
    }

    /// Returns whether requests must be compressed with gzip.
    pub(super) fn takes_gzip(&self) -> bool {
        match self {
            Self::Http(http) => http.gzip,
            #[cfg(feature = "grpc")]
            Self::Grpc(grpc) => grpc.gzip,
        }
    }

    /// Replaces the client after a panic, which may have poisoned the client's locks. Must be called in the context of
    /// the Tokio runtime that sends the requests.
    pub(super) fn renew(&self) {
        match self {
            Self::Http(http) => http.renew(),
            #[cfg(feature = "grpc")]
            Self::Grpc(grpc) => grpc.renew(),
        }
    }

    pub(super) async fn send(&self, request: Bytes, timeout: Duration) -> Outcome {
        match self {
            Self::Http(http) => http.send(request, timeout).await,
            #[cfg(feature = "grpc")]
            Self::Grpc(grpc) => grpc.send(request, timeout).await,
        }
    }
}

/// The message in `ExportTraceServiceResponse.partial_success`.
#[derive(Clone, PartialEq, prost::Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected_spans: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// The body of a successful response, `ExportTraceServiceResponse`.
#[derive(Clone, PartialEq, prost::Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

impl From<Response> for Outcome {
    fn from(response: Response) -> Self {
        let partial = response.partial_success.unwrap_or_default();
        Self::Taken {
            rejected: u64::try_from(partial.rejected_spans).unwrap_or(0),
            message: said(&partial.error_message),
        }
    }
}

/// Iterates over an error and the chain of its sources.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// Returns the message of the innermost error, such as "Connection refused" instead of "error sending request".
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let cause = causes(error).last().map(ToString::to_string);
    cause.unwrap_or_default()
}

/// Truncates a message of the collector and escapes line breaks, for the log.
fn said(message: &str) -> String {
    const LONGEST: usize = 300;
    let end = message.floor_char_boundary(LONGEST);
    message[..end].escape_debug().to_string()
}
