//! Every `OTEL_*` variable, tried in a process of its own: what it does, and what a value does that cannot be used.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]
#![expect(
    clippy::disallowed_methods,
    reason = "a collector's threads and a service's exit belong to no trace"
)]

mod collector;
mod errors;
mod exporter;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "grpc")]
mod grpc_networks;
mod losses;
mod metrics;
mod network;
mod networks;
mod otlp;
mod outages;
mod process;
mod propagators;
mod resource;
mod sdk;
mod secrets;
#[cfg(feature = "tls")]
mod tls;
mod unseen;
#[expect(dead_code, reason = "the other tests use all of it")]
#[path = "../wire/mod.rs"]
mod wire;
