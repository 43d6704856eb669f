//! [`InitError`]: why telemetry cannot be initialized.

use tracing::subscriber::SetGlobalDefaultError;

use crate::config::ConfigError;

/// The reason why telemetry cannot be initialized. Print the error and end the process, because the log is
/// not set up yet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// An environment variable has an unusable value.
    #[error(transparent)]
    Setting(#[from] ConfigError),
    /// The exporter refused its settings. The message names the variable and the value.
    #[cfg(feature = "otlp")]
    #[error("cannot set up the exporter: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The exporter's HTTP client cannot be created.
    #[cfg(feature = "otlp")]
    #[error("cannot set up the exporter's HTTP client")]
    Client(#[source] reqwest::Error),
    /// The exporter's gRPC channel cannot be created.
    #[cfg(feature = "grpc")]
    #[error("cannot set up the exporter's gRPC channel")]
    Channel(#[source] tonic::transport::Error),
    /// The exporter's thread cannot be started.
    #[cfg(feature = "otlp")]
    #[error("cannot start the exporter's thread")]
    Thread(#[source] std::io::Error),
    /// The gRPC exporter for metrics needs the Tokio runtime in which it is created.
    #[cfg(feature = "otlp")]
    #[error("metrics export over gRPC needs a Tokio runtime: call `telemetry::init` inside one")]
    NoRuntime,
    /// `init` was called twice, or the global `tracing` subscriber is already set.
    #[error(
        "a tracing subscriber is already set: call `telemetry::init` once, before setting any other, or pass yours to `telemetry::builder(..).init_on(..)`"
    )]
    AlreadySet(#[from] SetGlobalDefaultError),
    /// The exporter cannot be built, for a reason that has no variant of its own.
    #[cfg(feature = "otlp")]
    #[error("cannot set up the exporter: {0}")]
    Build(#[source] otlp::BuildError),
}

#[cfg(feature = "otlp")]
impl From<otlp::BuildError> for InitError {
    fn from(error: otlp::BuildError) -> Self {
        use otlp::BuildError;

        match error {
            BuildError::Client(error) => Self::Client(error),
            #[cfg(feature = "grpc")]
            BuildError::Channel(error) => Self::Channel(error),
            BuildError::Thread(error) => Self::Thread(error),
            BuildError::Metrics(error) => Self::Exporter(error),
            #[cfg(feature = "grpc")]
            BuildError::NoRuntime => Self::NoRuntime,
            error => Self::Build(error),
        }
    }
}
