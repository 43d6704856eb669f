//! [`BuildError`]: why an exporter cannot be built.

/// The reason why an exporter cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The endpoint is not usable.
    #[error("the endpoint `{endpoint}` cannot be used: expected {expects}")]
    Endpoint {
        /// The endpoint, without credentials.
        endpoint: String,
        /// Describes the endpoints that are allowed.
        expects: &'static str,
    },
    /// A header has a name or a value that HTTP does not allow. The error contains only the header's name, since the
    /// value may be a secret.
    #[error(
        "the header `{0}` cannot be sent: its name or its value has characters that HTTP does not allow"
    )]
    Header(String),
    /// The HTTP client cannot be created, for example because of an invalid certificate.
    #[error("cannot set up the exporter's HTTP client")]
    Client(#[source] reqwest::Error),
    /// The gRPC channel cannot be created.
    #[cfg(feature = "grpc")]
    #[error("cannot set up the exporter's gRPC channel")]
    Channel(#[source] tonic::transport::Error),
    /// The exporter's thread cannot be started.
    #[error("cannot start the exporter's thread")]
    Thread(#[source] std::io::Error),
    /// OpenTelemetry's metric exporter refused its settings.
    #[cfg(feature = "metrics")]
    #[error("cannot set up the metric exporter: {0}")]
    Metrics(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The metric exporter for gRPC was built outside of a Tokio runtime, which it needs.
    #[cfg(all(feature = "metrics", feature = "grpc"))]
    #[error("metrics export over gRPC needs a Tokio runtime: build the metric exporter inside one")]
    NoRuntime,
}
