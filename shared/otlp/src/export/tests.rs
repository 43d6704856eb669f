//! Tests the timeouts and intervals that docs/promises.md states.

use std::time::Duration;

use opentelemetry::InstrumentationScope;
use tokio::time::{Instant, advance};

use super::{Batching, export_log::ExportLog, exporter::wait_of, queue::Queue, timeout::Timeout};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// A queue that holds one span.
fn queue() -> Queue {
    Queue::new(&Batching {
        queue_spans: Some(1),
        ..Batching::default()
    })
}

#[test]
fn timeout_grows_eightfold_up_to_minute() {
    for (setting, longest) in [(1, 8), (10, 60), (120, 120)] {
        let mut timeout = Timeout::new(setting * SECOND);
        for _ in 0..10 {
            timeout.grow();
        }
        assert_eq!(timeout.current, longest * SECOND);
    }
}

#[test]
fn retry_after_is_respected_up_to_hour() {
    let hour = 60 * MINUTE;
    for (retry_after, wait) in [
        (None, SECOND),
        (Some(Duration::ZERO), SECOND),
        (Some(MINUTE), MINUTE),
        (Some(hour), hour),
        (Some(hour * 2), hour),
    ] {
        assert_eq!(wait_of(SECOND, retry_after), wait);
    }
}

#[tokio::test(start_paused = true)]
async fn outage_is_due_again_every_minute() {
    let (queue, mut log) = (queue(), ExportLog::new(String::new()));
    log.failed(&queue, "refused");
    assert_eq!(log.log_due(&queue), None, "one failure is not an outage");
    log.failed(&queue, "refused");
    let began = Instant::now();
    assert_eq!(log.log_due(&queue), Some(began + MINUTE));
    advance(59 * SECOND).await;
    assert_eq!(log.log_due(&queue), Some(began + MINUTE));
    advance(SECOND).await;
    assert_eq!(log.log_due(&queue), Some(began + 2 * MINUTE));
}

#[tokio::test(start_paused = true)]
async fn losses_are_due_once_a_second() {
    let (queue, mut log) = (queue(), ExportLog::new(String::new()));
    let scope = InstrumentationScope::builder("test").build();
    queue.push(&scope, b"kept");
    assert_eq!(log.log_due(&queue), None);
    queue.push(&scope, b"dropped");
    let first = Instant::now();
    assert_eq!(log.log_due(&queue), None, "logged");
    queue.push(&scope, b"dropped");
    assert_eq!(log.log_due(&queue), Some(first + SECOND));
    advance(SECOND).await;
    assert_eq!(log.log_due(&queue), None, "logged");
}
