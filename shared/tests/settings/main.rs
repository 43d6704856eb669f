//! Tests of each `OTEL_*` variable, with usable and unusable values, in a separate process.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]
#![expect(
    clippy::disallowed_methods,
    reason = "a collector's threads and a service's exit are outside any trace"
)]

mod batches;
mod delivery;
mod errors;
mod exporter;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "grpc")]
mod grpc_collector;
#[cfg(feature = "grpc")]
mod grpc_frozen;
#[cfg(feature = "grpc")]
mod grpc_limits;
#[cfg(feature = "grpc")]
mod grpc_networks;
mod limits;
mod losses;
mod metrics;
mod network;
mod networks;
mod numbers;
mod otlp;
mod otlp_values;
mod outages;
mod panicking_layer;
mod panics;
mod process;
mod propagators;
mod resource;
mod sampler;
mod secrets;
mod service;
#[path = "../support/mod.rs"]
mod support;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
mod tls_server;
mod unseen;
