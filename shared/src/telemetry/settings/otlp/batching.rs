//! [`Batching`]: the settings of the span queue, read from the variables of the SDK's batch processor,
//! `OTEL_BSP_*`.

use ::otlp::Batching;

use super::{super::variables::Variables, milliseconds, timeout};

const LEAST_QUEUE_BYTES: usize = 1024 * 1024;
const MOST_QUEUE_BYTES: usize = 64 * 1024 * 1024 * 1024;

pub(in crate::telemetry::settings) fn batching(variables: &mut Variables<'_>) -> Batching {
    const QUEUE_SPANS: usize = 100_000_000;
    let default = Batching::default();
    let queue_spans =
        variables.first_number(&["OTEL_BSP_MAX_QUEUE_SIZE"], "no bound", 1..=QUEUE_SPANS);
    // This variable is not in the specification, which asks SDKs to include their language in the names of
    // such variables.
    let queue_bytes = variables.number(
        "OTEL_RUST_BSP_MAX_QUEUE_BYTES",
        default.queue_bytes,
        LEAST_QUEUE_BYTES..=MOST_QUEUE_BYTES,
    );
    let most = queue_spans.unwrap_or(QUEUE_SPANS);
    let batch_spans = variables.number(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        default.batch_spans.min(most),
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
