//! [`Batching`]: the queue of spans, set by the variables of the SDK's batch processor, `OTEL_BSP_*`.

use std::time::Duration;

use super::{super::variables::Variables, milliseconds, timeout};

/// The limits and delays of the queue of spans.
pub(in crate::telemetry) struct Batching {
    /// The maximum size of the encoded spans in the queue.
    pub(in crate::telemetry) queue_bytes: usize,
    /// The maximum number of spans in the queue, if set.
    pub(in crate::telemetry) queue_spans: Option<usize>,
    /// The maximum number of spans in a batch.
    pub(in crate::telemetry) batch_spans: usize,
    /// The time between two exports, unless a batch is full earlier.
    pub(in crate::telemetry) delay: Duration,
    /// The maximum time of an attempt to export a batch, if the exporter's own timeout is not shorter.
    pub(in crate::telemetry) export_timeout: Duration,
}

impl Batching {
    pub(in crate::telemetry) const QUEUE_BYTES: usize = 32 * 1024 * 1024;
    const LEAST_QUEUE_BYTES: usize = 1024 * 1024;
    const MOST_QUEUE_BYTES: usize = 64 * 1024 * 1024 * 1024;
    const BATCH_SPANS: usize = 512;
}

pub(in crate::telemetry::settings) fn batching(variables: &mut Variables<'_>) -> Batching {
    const QUEUE_SPANS: usize = 100_000_000;
    let queue_spans =
        variables.first_number(&["OTEL_BSP_MAX_QUEUE_SIZE"], "no bound", 1..=QUEUE_SPANS);
    // Not in the specification, which asks for the language in such names.
    let queue_bytes = variables.number(
        "OTEL_RUST_BSP_MAX_QUEUE_BYTES",
        Batching::QUEUE_BYTES,
        Batching::LEAST_QUEUE_BYTES..=Batching::MOST_QUEUE_BYTES,
    );
    let most = queue_spans.unwrap_or(QUEUE_SPANS);
    let batch_spans = variables.number(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        Batching::BATCH_SPANS.min(most),
        1..=most,
    );
    Batching {
        queue_bytes,
        queue_spans,
        batch_spans,
        delay: milliseconds(variables, "OTEL_BSP_SCHEDULE_DELAY", 5_000),
        export_timeout: timeout(variables, &["OTEL_BSP_EXPORT_TIMEOUT"], 30_000),
    }
}
