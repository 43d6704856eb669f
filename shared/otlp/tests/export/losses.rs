//! Tests that every span that is not delivered is counted, with the reason.

use std::time::Duration;

use opentelemetry::{
    KeyValue,
    trace::{Tracer as _, TracerProvider as _},
};
use opentelemetry_sdk::trace::SpanProcessor as _;
use otlp::{Batching, SpanCounts};

use crate::{
    PATIENCE, builder,
    collector::{Answer, Protocol, ReservedAddress},
    end_spans, names, provider, wait_until,
};

fn assert_balance(counts: &SpanCounts) {
    let sum = counts.exported + counts.lost.total() + counts.waiting;
    assert_eq!(counts.ended, sum, "{counts:?}");
}

#[test]
fn full_queue_drops_newest_spans() {
    let reserved = ReservedAddress::reserve();
    let processor = builder(Protocol::Http, reserved.address)
        .batching(Batching {
            queue_bytes: 1024 * 1024,
            queue_spans: Some(1_000),
            delay: Duration::from_millis(1),
            ..Batching::default()
        })
        .build()
        .unwrap();
    let provider = provider(&processor);
    end_spans(&provider, names(0..1_500));
    let counts = processor.counts();
    assert_eq!((counts.waiting, counts.lost.queue_full), (1_000, 500));
    assert_eq!(counts.lost.to_string(), "500 queue_full");
    assert_balance(&counts);

    let collector = reserved.collector(Protocol::Http, Answer::Accept);
    wait_until("delivery", || processor.counts().waiting == 0);
    let mut delivered = collector.names();
    delivered.sort_unstable();
    let mut oldest: Vec<String> = names(0..1_000).collect();
    oldest.sort_unstable();
    assert_eq!(delivered, oldest);
    assert_balance(&processor.counts());
}

#[test]
fn queue_is_bounded_in_bytes() {
    let reserved = ReservedAddress::reserve();
    let processor = builder(Protocol::Http, reserved.address)
        .batching(Batching {
            queue_bytes: 1024 * 1024,
            ..Batching::default()
        })
        .build()
        .unwrap();
    let provider = provider(&processor);
    let tracer = provider.tracer("test");
    // 1,500 random values of 3 KiB each, 4.5 MiB in total, which exceed the queue's bound even when compressed.
    let mut random = 1_u64;
    let mut ended = 0;
    while ended < 1_500 {
        let value: String = std::iter::repeat_with(|| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            format!("{:016x}", random ^ (random >> 29))
        })
        .take(192)
        .collect();
        let span = tracer
            .span_builder("large")
            .with_attributes([KeyValue::new("value", value)]);
        drop(tracer.build(span));
        ended += 1;
    }
    let counts = processor.counts();
    assert_balance(&counts);
    assert!(counts.lost.queue_full > 500, "{counts:?}");
    assert!(counts.waiting > 200, "{counts:?}");
}

pub(crate) fn refusal_is_counted(protocol: Protocol) {
    let reserved = ReservedAddress::reserve();
    let address = reserved.address;
    let _collector = reserved.collector(protocol, Answer::Refuse);
    let processor = builder(protocol, address).build().unwrap();
    let provider = provider(&processor);
    end_spans(&provider, names(0..7));
    wait_until("refusal", || processor.counts().waiting == 0);
    let counts = processor.counts();
    assert_eq!((counts.ended, counts.lost.refused), (7, 7));
    assert_balance(&counts);
    let flushed = provider.force_flush().unwrap_err();
    assert!(flushed.to_string().contains("7 refused"), "{flushed}");
}

#[test]
fn http_refusal_is_counted() {
    refusal_is_counted(Protocol::Http);
}

#[test]
fn shutdown_in_outage_counts_waiting_spans() {
    let reserved = ReservedAddress::reserve();
    let processor = builder(Protocol::Http, reserved.address).build().unwrap();
    let provider = provider(&processor);
    end_spans(&provider, names(0..9));
    provider
        .shutdown_with_timeout(Duration::from_millis(50))
        .unwrap_err();
    let counts = processor.counts();
    assert_eq!((counts.ended, counts.lost.shutdown), (9, 9));
    assert_balance(&counts);
}

#[test]
fn span_after_shutdown_is_counted() {
    let reserved = ReservedAddress::reserve();
    let address = reserved.address;
    let _collector = reserved.collector(Protocol::Http, Answer::Accept);
    let processor = builder(Protocol::Http, address).build().unwrap();
    let provider = provider(&processor);
    // Shuts down the processor instead of the provider, which would not pass spans to the processor afterwards.
    processor.shutdown_with_timeout(PATIENCE).unwrap();
    end_spans(&provider, names(0..1));
    assert_eq!(processor.counts().lost.shutdown, 1);
}
