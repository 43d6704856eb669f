//! The export of spans. An ended span passes through these modules in this order:
//!
//! - `processor`: encodes the span on the thread that ended it (with `encode` and `protobuf`)
//! - `queue`: collects encoded spans into batches, bounded in bytes, and counts the spans
//! - `batch`: the spans of one request, compressed while the queue fills up (`gzip`), split if too large (`split`)
//! - `backlog`: the batches that have not been delivered yet, and their order
//! - `exporter`: the thread that sends batches until they are accepted, refused or dropped
//! - `transport`: one attempt to send a batch over HTTP or gRPC, and its outcome
//! - `export_log`: log lines about outages and dropped spans
//!
//! `builder` checks the settings and starts the exporter. `metrics` sets up OpenTelemetry's metric exporter, which does
//! not queue metrics: each export includes the metrics that an earlier export did not deliver.

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
