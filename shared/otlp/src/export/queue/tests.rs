use std::time::Duration;

use super::*;

fn queue(bytes: usize) -> Queue {
    let batching = Batching {
        queue_bytes: bytes,
        queue_spans: None,
        batch_spans: 10,
        delay: Duration::MAX,
        export_timeout: Duration::MAX,
    };
    let queue = Queue::new(&batching);
    queue.set_resource(&Resource::builder_empty().build());
    queue
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("test").build()
}

#[test]
fn byte_bound_is_never_exceeded() {
    let queue = queue(1024 * 1024);
    for _ in 0..10_000 {
        queue.push(&scope(), &[0; 700]);
        assert!(queue.lock().bytes <= 1024 * 1024);
    }
    let counts = queue.counts();
    assert_eq!(counts.waiting + counts.lost.queue_full, 10_000);
    assert!(counts.waiting > 1_400, "{counts:?}");
}

#[test]
fn many_scopes_use_only_their_bytes() {
    let queue = queue(1024 * 1024);
    for number in 0..1_000 {
        let scope = InstrumentationScope::builder(format!("scope {number}")).build();
        queue.push(&scope, &[0; 300]);
    }
    assert_eq!(queue.counts().waiting, 1_000);
}

#[test]
fn requests_stay_within_bound_with_resource() {
    let resource = Resource::builder_empty()
        .with_attribute(opentelemetry::KeyValue::new("key", "x".repeat(2_500)))
        .build();
    let batching = Batching {
        queue_bytes: 32 * 1024 * 1024,
        queue_spans: None,
        batch_spans: 1_000_000,
        delay: Duration::MAX,
        export_timeout: Duration::MAX,
    };
    let queue = Queue::new(&batching);
    queue.set_resource(&resource);
    for number in 0..20_000 {
        let scope = InstrumentationScope::builder(format!("scope {}", number % 50)).build();
        queue.push(&scope, &[0; 701]);
    }
    let mut batches = 0;
    while let Some(batch) = queue.take() {
        let length = batch.request(queue.head(), false).len();
        assert!((1_000_000..=1024 * 1024 - 5).contains(&length), "{length}");
        batches += 1;
    }
    assert_eq!(batches, 13);
}

#[test]
fn batch_settled_after_close_is_counted_once() {
    let queue = queue(1024 * 1024);
    queue.push(&scope(), b"span");
    queue.close_open();
    let batch = queue.take().unwrap();
    assert!(!queue.close(Duration::ZERO), "one was lost");
    queue.done(&batch, 1, |lost| &mut lost.refused);
    queue.push(&scope(), b"late");
    let counts = queue.counts();
    assert_eq!((counts.ended, counts.waiting, counts.exported), (2, 0, 0));
    assert_eq!(counts.lost.shutdown, 2);
}

#[test]
fn flush_waits_for_every_earlier_batch() {
    let queue = queue(1024 * 1024);
    for _ in 0..15 {
        queue.push(&scope(), b"span");
    }
    assert!(!queue.flush(Duration::ZERO).in_time);
    let [first, second] = [(); 2].map(|()| queue.take().unwrap());
    queue.done(&second, second.spans, |lost| &mut lost.refused);
    assert!(
        !queue.flush(Duration::ZERO).in_time,
        "the first batch is not settled"
    );
    queue.push(&scope(), b"span");
    queue.done(&first, first.spans, |lost| &mut lost.refused);
    assert!(
        !queue.flush(Duration::ZERO).in_time,
        "the last span is not settled"
    );
    let last = queue.take().unwrap();
    queue.done(&last, 1, |lost| &mut lost.refused);
    assert!(queue.flush(Duration::ZERO).in_time);
    let state = queue.lock();
    assert_eq!((state.bytes, state.plain_bytes), (0, 0));
}
