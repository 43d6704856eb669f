//! One attempt to hand a batch to the collector, and what became of it by the
//! [OTLP specification](https://opentelemetry.io/docs/specs/otlp/#otlpgrpc): taken, refused for good, or to be tried again.

#[cfg(feature = "grpc")]
mod grpc;
mod http;

use std::time::Duration;

use bytes::Bytes;

use crate::telemetry::{
    InitError,
    settings::{Otlp, Protocol},
};

/// How long a connection may take to be made, the look-up of its name included: a collector that is back is to be found
/// soon, and a name that nobody answers for is looked up for long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

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
    Http(http::Http),
    #[cfg(feature = "grpc")]
    Grpc(grpc::Grpc),
}

impl Transport {
    /// Inside the runtime that it is to be used in.
    pub(super) fn new(settings: &Otlp) -> Result<Self, InitError> {
        Ok(match settings.protocol {
            Protocol::HttpProtobuf => Self::Http(http::Http::new(settings)?),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => Self::Grpc(grpc::Grpc::new(settings)?),
        })
    }

    /// Whether it wants requests that are compressed already.
    pub(super) fn takes_gzip(&self) -> bool {
        match self {
            Self::Http(http) => http.gzip,
            // It compresses by itself, message by message.
            #[cfg(feature = "grpc")]
            Self::Grpc(_) => false,
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

/// The certificates that a collector's is checked against, where they are not the system's.
#[cfg(feature = "tls")]
pub(super) fn certificates(
    settings: &Otlp,
) -> Result<Option<Vec<reqwest::Certificate>>, InitError> {
    let pem = settings.certificate.as_deref();
    pem.map(|pem| reqwest::Certificate::from_pem_bundle(pem).map_err(InitError::Client))
        .transpose()
}

#[cfg(all(feature = "grpc", feature = "tls"))]
pub(super) fn tls(settings: &Otlp) -> tonic::transport::ClientTlsConfig {
    use tonic::transport::{Certificate, ClientTlsConfig};

    let tls = ClientTlsConfig::new();
    match &settings.certificate {
        Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
        None => tls.with_enabled_roots(),
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

/// What a collector says goes to the log: one line of it, and no more than fits there.
fn said(message: &str) -> String {
    const LONGEST: usize = 300;
    let end = message.floor_char_boundary(LONGEST);
    message[..end].escape_debug().to_string()
}
