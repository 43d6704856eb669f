//! `OTEL_BSP_*`: when spans are sent, and how many in a batch.

use crate::{process::Process, support::collector::Collector};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[test]
fn spans_wait_for_schedule_delay() {
    let collector = Collector::start();
    let process = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_BSP_SCHEDULE_DELAY", " 20 "),
    ]);
    process.forward(&[]);
    assert!(
        !collector.export().spans().is_empty(),
        "while the service runs"
    );
    process.stop();

    let collector = Collector::start();
    let process = Process::start(&[(ENDPOINT, &collector.url())]);
    process.forward(&[]);
    assert!(
        collector.exports().is_empty(),
        "the default is five seconds"
    );
    process.stop();
}

#[test]
fn batch_is_filled_to_maximum() {
    let collector = Collector::start();
    let process = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", " 1 "),
    ]);
    process.forward(&[]);
    assert_eq!(process.stop().spans, [5, 5, 0]);
    let batches: Vec<usize> = collector
        .exports()
        .iter()
        .map(|export| export.spans().len())
        .collect();
    assert_eq!(batches, [1; 5]);
}

#[test]
fn batch_is_not_larger_than_queue() {
    let collector = Collector::start();
    let said = Process::start(&[
        (ENDPOINT, &collector.url()),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "101"),
    ])
    .stop();
    assert_eq!(
        said.warnings(),
        [
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE is `101`, which cannot be used: expected a whole number from 1 to 100; using 100 instead"
        ]
    );
}
