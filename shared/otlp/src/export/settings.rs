//! The settings of an exporter.

use std::{
    fmt::{self, Display},
    time::Duration,
};

use http::HeaderMap;
use url::Url;

/// The protocol of the export.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// OTLP over HTTP with protobuf bodies. Collectors usually listen on port 4318.
    #[default]
    HttpProtobuf,
    /// OTLP over gRPC. Collectors usually listen on port 4317.
    #[cfg(feature = "grpc")]
    Grpc,
}

/// The compression of requests. Waiting batches are compressed while the queue is crowded, regardless of this.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Requests are not compressed.
    #[default]
    None,
    /// Requests are compressed with gzip, to about a tenth of their size.
    Gzip,
}

/// The bounds and delays of the queue of spans.
///
/// ```
/// use otlp::Batching;
///
/// let batching = Batching { queue_bytes: 128 * 1024 * 1024, ..Batching::default() };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// Maximum bytes of the encoded spans that wait, including those being sent. At least 1 MiB; defaults to 32 MiB.
    pub queue_bytes: usize,
    /// Maximum number of spans that wait. Defaults to `None`: only their bytes are bounded.
    pub queue_spans: Option<usize>,
    /// Maximum number of spans in a batch. Defaults to 512. A full batch is exported at once.
    pub batch_spans: usize,
    /// Time between two exports, unless a batch is full earlier. Defaults to five seconds.
    pub delay: Duration,
    /// Maximum time of an attempt to export a batch, if the exporter's own timeout is not shorter, and of a flush. Defaults to 30
    /// seconds.
    pub export_timeout: Duration,
}

impl Default for Batching {
    fn default() -> Self {
        Self {
            queue_bytes: 32 * 1024 * 1024,
            queue_spans: None,
            batch_spans: 512,
            delay: Duration::from_secs(5),
            export_timeout: Duration::from_secs(30),
        }
    }
}

/// Certificates for `https://` endpoints, as PEM.
#[cfg(feature = "tls")]
#[derive(Clone, Default)]
pub struct Tls {
    /// Root certificates that the collector's certificate is checked against. `None` for those of the system.
    pub roots: Option<Vec<u8>>,
    /// Client certificate and its unencrypted private key, for collectors that demand one.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

#[cfg(feature = "tls")]
impl fmt::Debug for Tls {
    /// Omits the private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("roots", &self.roots.is_some())
            .field("identity", &self.identity.is_some())
            .finish()
    }
}

/// The connection to a collector. Does not implement `Debug`, since the headers may hold secrets.
pub(super) struct Settings {
    pub(super) protocol: Protocol,
    pub(super) endpoint: Url,
    pub(super) timeout: Duration,
    pub(super) headers: HeaderMap,
    pub(super) gzip: bool,
    /// The proxy that requests go through, without its credentials.
    pub(super) proxy: Option<String>,
    #[cfg(feature = "tls")]
    pub(super) tls: Tls,
}

/// The name in `OTEL_EXPORTER_OTLP_PROTOCOL`.
impl Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HttpProtobuf => "http/protobuf",
            #[cfg(feature = "grpc")]
            Self::Grpc => "grpc",
        })
    }
}

impl Protocol {
    /// Returns whether requests are plain HTTP, which have a path for each signal and can go through a proxy.
    pub fn is_http(self) -> bool {
        match self {
            Self::HttpProtobuf => true,
            #[cfg(feature = "grpc")]
            Self::Grpc => false,
        }
    }

    /// Returns the `otel.component.type` of a span exporter with this protocol, by the
    /// [conventions](https://opentelemetry.io/docs/specs/semconv/registry/attributes/otel/).
    pub fn component_type(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "otlp_http_span_exporter",
            #[cfg(feature = "grpc")]
            Self::Grpc => "otlp_grpc_span_exporter",
        }
    }

    /// Returns the endpoint of a collector on this host. `path` is the signal's, for HTTP.
    pub(super) fn default_endpoint(self, path: &str) -> String {
        match self {
            Self::HttpProtobuf => format!("http://localhost:4318/{path}"),
            #[cfg(feature = "grpc")]
            Self::Grpc => "http://localhost:4317".to_owned(),
        }
    }
}

/// Protocol and endpoint, without secrets.
impl Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut endpoint = self.endpoint.clone();
        endpoint.set_query(None);
        endpoint.set_fragment(None);
        if !endpoint.username().is_empty() || endpoint.password().is_some() {
            let hidden = endpoint
                .set_username(REDACTED)
                .and_then(|()| endpoint.set_password(Some(REDACTED)));
            debug_assert!(
                hidden.is_ok(),
                "a URL with user info accepts other user info"
            );
        }
        write!(f, "{} to {endpoint}", self.protocol)
    }
}

pub(super) const REDACTED: &str = "REDACTED";
