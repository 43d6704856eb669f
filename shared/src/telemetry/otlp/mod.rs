//! Exports spans over [OTLP](https://opentelemetry.io/docs/specs/otlp/). An ended span passes these files in this order:
//!
//! - `processor`: encodes the span on the thread that ended it (`encode`, over `protobuf`)
//! - `queue`: collects spans into batches, bounded in bytes, and counts them
//! - `batch`: the spans of one request, compressed while much is waiting (`gzip`), split if it is too large (`split`)
//! - `backlog`: the batches that are still to be delivered, and their order
//! - `exporter`: the thread that sends batches until they are accepted, refused or dropped
//! - `transport`: one attempt, over HTTP or gRPC, and its outcome
//! - `export_log`: log lines about outages and dropped spans
//!
//! `metrics` sets up the metric exporter of OpenTelemetry: metrics that one export did not deliver are part of the next.

mod backlog;
mod batch;
mod encode;
mod export_log;
mod exporter;
mod gzip;
mod metrics;
mod processor;
mod protobuf;
mod queue;
mod split;
mod trace_states;
mod transport;

#[cfg(feature = "logs")]
pub(super) use self::export_log::TARGET as EXPORT_LOG_TARGET;
pub(super) use self::{metrics::meter_provider, processor::OtlpProcessor};
