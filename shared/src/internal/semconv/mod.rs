//! The OpenTelemetry semantic conventions, version 1.44: attribute keys, span names, status and `error.type` rules.
//!
//! This is the only module that spells attribute keys. See the conventions for [HTTP
//! spans](https://opentelemetry.io/docs/specs/semconv/http/http-spans/) and [database client
//! spans](https://opentelemetry.io/docs/specs/semconv/database/database-spans/).

/// The name of the instrumentation scope of all telemetry of this crate. Backends show this name and filter by it, so
/// it does not depend on the name of the package.
pub(crate) const SCOPE_NAME: &str = "http-tracing";

/// The schema URL of all telemetry of this crate.
pub(crate) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "database")]
mod database;
#[cfg(any(feature = "client", feature = "server"))]
mod http;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "telemetry")]
mod telemetry;

#[cfg(feature = "client")]
pub(crate) use self::client::*;
#[cfg(feature = "database")]
pub(crate) use self::database::*;
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) use self::http::*;
#[cfg(feature = "server")]
pub(crate) use self::server::*;
#[cfg(feature = "telemetry")]
pub(crate) use self::telemetry::*;

pub(crate) const ERROR_TYPE: &str = "error.type";
#[cfg(any(
    feature = "client",
    feature = "database",
    feature = "otlp",
    feature = "server"
))]
pub(crate) const SERVER_ADDRESS: &str = "server.address";
#[cfg(any(
    feature = "client",
    feature = "database",
    feature = "otlp",
    feature = "server"
))]
pub(crate) const SERVER_PORT: &str = "server.port";

/// `error.type` of a failure without a more specific value, as the conventions require.
#[cfg(any(feature = "client", feature = "database"))]
pub(crate) const ERROR_OTHER: &str = "_OTHER";
/// `error.type` of a panic.
#[cfg(any(feature = "server", feature = "telemetry"))]
pub(crate) const ERROR_PANIC: &str = "panic";
/// `error.type` of a timeout.
#[cfg(any(feature = "axum", feature = "client", feature = "database"))]
pub(crate) const ERROR_TIMEOUT: &str = "timeout";
/// `error.type` of a request that was rejected because of too many concurrent requests.
#[cfg(feature = "serve")]
pub(crate) const ERROR_OVERLOADED: &str = "overloaded";
