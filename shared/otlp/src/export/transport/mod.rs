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

/// The outcome of an attempt.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The collector has accepted the spans, except for the number that it reports as `rejected`.
    Taken { rejected: u64, message: String },
    /// The collector will never accept these spans.
    Refused(String),
    /// The request is larger than the collector, or a proxy before it, accepts: fewer spans at a time may fit.
    TooLarge {
        reason: String,
        /// The specification lists the status as retryable, so a single span is sent again rather than dropped.
        retryable: bool,
    },
    /// The collector may accept the spans later.
    Later {
        /// The message of the operating system or the collector, for the log.
        reason: String,
        /// The delay that the collector asked for.
        after: Option<Duration>,
        /// No response came in time. The collector may have the spans.
        silent: bool,
        /// No connection was made, so the collector does not have the spans.
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

    /// Returns the outcome for a request that cannot be split any further.
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

    /// The outcome of an attempt that panicked, in a layer of the user for example.
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
    /// Creates the transport. Requires the context of the runtime that sends.
    pub(super) fn new(settings: &Settings) -> Result<Self, BuildError> {
        Ok(match settings.protocol {
            Protocol::HttpProtobuf => Self::Http(Box::new(http::Http::new(settings)?)),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => Self::Grpc(Box::new(grpc::Grpc::new(settings)?)),
        })
    }

    /// Returns whether requests must be compressed.
    pub(super) fn takes_gzip(&self) -> bool {
        match self {
            Self::Http(http) => http.gzip,
            #[cfg(feature = "grpc")]
            Self::Grpc(grpc) => grpc.gzip,
        }
    }

    /// Replaces the client, whose locks may be poisoned by a panic. Requires the context of the runtime that sends.
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

/// `ExportTraceServiceResponse.partial_success`.
#[derive(Clone, PartialEq, prost::Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected_spans: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// `ExportTraceServiceResponse`.
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

/// Iterates over the error, its source, the source of that, and so on.
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

/// Returns the start of a message of the collector, as one line for the log.
fn said(message: &str) -> String {
    const LONGEST: usize = 300;
    let end = message.floor_char_boundary(LONGEST);
    message[..end].escape_debug().to_string()
}
