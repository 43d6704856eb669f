//! [`InitError`]: why there is no telemetry.

use tracing::subscriber::SetGlobalDefaultError;

use crate::config::ConfigError;

/// Why telemetry could not be set up. Print it and end the process: there is no log yet that could say it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// A variable has a value that cannot be used.
    #[error(transparent)]
    Setting(#[from] ConfigError),
    /// The exporter refused its settings; the message names the variable and the value.
    #[cfg(feature = "otlp")]
    #[error("cannot set up the exporter: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The client that spans are exported with cannot be made.
    #[cfg(feature = "otlp")]
    #[error("cannot set up the exporter's HTTP client")]
    Client(#[source] reqwest::Error),
    /// The channel that spans are exported over cannot be made.
    #[cfg(feature = "grpc")]
    #[error("cannot set up the exporter's gRPC channel")]
    Channel(#[source] tonic::transport::Error),
    /// The system gives no thread to the exporter.
    #[cfg(feature = "otlp")]
    #[error("cannot start the exporter's thread")]
    Thread(#[source] std::io::Error),
    /// The gRPC exporter of metrics lives on the runtime that it is set up in.
    #[cfg(feature = "otlp")]
    #[error("metrics are to be exported over gRPC: call `telemetry::init` inside a Tokio runtime")]
    NoRuntime,
    /// `init` was called twice, or somebody else has set the process's `tracing` subscriber.
    #[error(
        "a tracing subscriber is already set: call `telemetry::init` once, before any other, or give your own to `telemetry::builder(..).init_on(..)`"
    )]
    AlreadySet(#[from] SetGlobalDefaultError),
}
