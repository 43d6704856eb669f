//! The way out of the process over [OTLP](https://opentelemetry.io/docs/specs/otlp/). A span that ended passes these files in
//! this order:
//!
//! - `processor`: encodes it, where it ended (`encode`, over `protobuf`)
//! - `queue`: where it waits with others for its export, bounded in bytes, and the books of all of them
//! - `batch`: those it leaves with. What waits for long is kept compressed (`gzip`)
//! - `exporter`: the thread that sends the oldest batch, again and again until it is taken or refused
//! - `transport`: one attempt, over HTTP or gRPC, and what became of it
//! - `journal`: what the log says of it
//!
//! `metrics` is the exporter of those, which is OpenTelemetry's own: the next export tells again what one did not.

mod batch;
mod encode;
mod exporter;
mod gzip;
mod journal;
mod metrics;
mod processor;
mod protobuf;
mod queue;
mod transport;

#[cfg(feature = "logs")]
pub(super) use self::journal::TARGET as JOURNAL;
pub(super) use self::{metrics::meter_provider, processor::OtlpProcessor};
