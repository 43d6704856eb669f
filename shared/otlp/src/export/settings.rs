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

/// The compression of requests. While uncompressed batches take more than a quarter of the queue, waiting batches are
/// compressed regardless of this setting.
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
    /// Maximum bytes of the encoded spans in the queue, including the spans being sent. At least 1 MiB; defaults to 32
    /// MiB.
    pub queue_bytes: usize,
    /// Maximum number of spans in the queue, including the spans being sent. Defaults to `None`, which bounds only
    /// their bytes.
    pub queue_spans: Option<usize>,
    /// Maximum number of spans in a batch. Defaults to 512. A full batch is exported at once.
    pub batch_spans: usize,
    /// Time between two exports, unless a batch becomes full earlier. Defaults to five seconds.
    pub delay: Duration,
    /// Maximum time of a flush. The configured timeout of an attempt to export a batch is limited to the same time.
    /// Defaults to 30 seconds.
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

/// Certificates for `https://` endpoints, in PEM format.
#[cfg(feature = "tls")]
#[derive(Clone, Default)]
pub struct Tls {
    /// Root certificates that verify the collector's certificate. `None` uses the root certificates of the system.
    pub roots: Option<Vec<u8>>,
    /// Client certificate and its unencrypted private key, for collectors that require a client certificate.
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

/// The connection settings for a collector. Does not implement `Debug`, since the headers may hold secrets.
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

/// Formats the protocol as in `OTEL_EXPORTER_OTLP_PROTOCOL`.
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
    /// Returns whether the protocol is OTLP over HTTP, which has a URL path for each signal and supports proxies.
    pub fn is_http(self) -> bool {
        match self {
            Self::HttpProtobuf => true,
            #[cfg(feature = "grpc")]
            Self::Grpc => false,
        }
    }

    /// Returns the value of `otel.component.type` for a span exporter with this protocol, as defined by the [semantic
    /// conventions](https://opentelemetry.io/docs/specs/semconv/registry/attributes/otel/).
    pub fn component_type(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "otlp_http_span_exporter",
            #[cfg(feature = "grpc")]
            Self::Grpc => "otlp_grpc_span_exporter",
        }
    }

    /// Returns the default endpoint, which is a collector on this host. For HTTP, `path` is the URL path of the signal.
    pub(super) fn default_endpoint(self, path: &str) -> String {
        match self {
            Self::HttpProtobuf => format!("http://localhost:4318/{path}"),
            #[cfg(feature = "grpc")]
            Self::Grpc => "http://localhost:4317".to_owned(),
        }
    }
}

/// Formats the protocol and the endpoint, without secrets.
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
