//! The export of spans. An ended span passes these files in this order:
//!
//! - `processor`: encodes the span on the thread that ended it (`encode`, over `protobuf`)
//! - `queue`: collects spans into batches, bounded in bytes, and counts them
//! - `batch`: the spans of one request, compressed while much is waiting (`gzip`), split if it is too large (`split`)
//! - `backlog`: the batches that are still to be delivered, and their order
//! - `exporter`: the thread that sends batches until they are accepted, refused or dropped
//! - `transport`: one attempt, over HTTP or gRPC, and its outcome
//! - `export_log`: log lines about outages and dropped spans
//!
//! `builder` checks the settings and starts this. `metrics` sets up the metric exporter of OpenTelemetry: metrics that one export did
//! not deliver are part of the next.

mod backlog;
mod batch;
mod builder;
mod encode;
mod error;
mod export_log;
mod exporter;
mod gzip;
#[cfg(feature = "metrics")]
mod metrics;
mod panics;
mod processor;
mod protobuf;
mod proxy;
mod queue;
mod settings;
mod split;
mod timeout;
#[cfg(feature = "tls")]
mod tls;
mod trace_states;
mod transport;

#[cfg(test)]
mod tests;

#[cfg(feature = "tls")]
pub use self::settings::Tls;
pub use self::{
    builder::Builder,
    error::BuildError,
    export_log::LOG_TARGET,
    processor::OtlpProcessor,
    proxy::environment_proxy,
    settings::{Batching, Compression, Protocol},
};
