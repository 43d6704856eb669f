//! One attempt to hand a batch to the collector, and what became of it by the
//! [OTLP specification](https://opentelemetry.io/docs/specs/otlp/#otlpgrpc): taken, refused for good, or to be tried again.

mod connect;
#[cfg(feature = "grpc")]
mod grpc;
mod hint;
mod http;
#[cfg(feature = "tls")]
mod tls;

use std::{error::Error as StdError, time::Duration};

use bytes::Bytes;

use crate::{
    error::causes,
    telemetry::{
        InitError,
        settings::{Otlp, Protocol},
    },
};

#[cfg(feature = "tls")]
pub(super) use self::tls::certificates;
#[cfg(all(feature = "grpc", feature = "tls"))]
pub(super) use self::tls::client_config;

/// Maximum response bytes to read; the rest is ignored.
const RESPONSE_BYTES: usize = 64 * 1024;

const USER_AGENT: &str = concat!("OTel-OTLP-Exporter-Rust/", env!("CARGO_PKG_VERSION"));

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The collector has the spans, but for as many as it says that it `rejected`.
    Taken { rejected: u64, message: String },
    /// It will never take them.
    Refused(String),
    /// The request is larger than the collector, or a proxy before it, accepts: fewer spans at a time may fit.
    TooLarge {
        reason: String,
        /// The specification lists the status as retryable, so a single span is sent again rather than dropped.
        retryable: bool,
    },
    /// It may take them another time.
    Later {
        /// For people: what the system or the collector said.
        reason: String,
        /// What the collector asked for.
        after: Option<Duration>,
        /// Nothing was said in time. The spans may have arrived, or may yet.
        silent: bool,
    },
}

impl Outcome {
    fn later(reason: impl Into<String>) -> Self {
        Self::Later {
            reason: reason.into(),
            after: None,
            silent: false,
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

    fn silent(timeout: Duration) -> Self {
        Self::Later {
            reason: format!("no answer within {}", humantime::format_duration(timeout)),
            after: None,
            silent: true,
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
    pub(super) fn new(settings: &Otlp) -> Result<Self, InitError> {
        Ok(match settings.protocol {
            Protocol::HttpProtobuf => Self::Http(Box::new(http::Http::new(settings)?)),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => Self::Grpc(Box::new(grpc::Grpc::new(settings)?)),
        })
    }

    /// Returns whether requests are to be compressed.
    pub(super) fn takes_gzip(&self) -> bool {
        match self {
            Self::Http(http) => http.gzip,
            #[cfg(feature = "grpc")]
            Self::Grpc(grpc) => grpc.gzip,
        }
    }

    pub(super) async fn send(&self, request: Bytes) -> Outcome {
        match self {
            Self::Http(http) => http.send(request).await,
            #[cfg(feature = "grpc")]
            Self::Grpc(grpc) => grpc.send(request).await,
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

/// `ExportTraceServiceResponse`: of all of OTLP, what is read here.
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

/// "Connection refused" rather than "error sending request": the message of the innermost error.
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
