//! Tests that spans which end during an outage are delivered after it.

use std::{
    net::{Ipv4Addr, TcpListener},
    time::{Duration, Instant},
};

use crate::{
    PATIENCE, builder,
    collector::{Answer, Protocol, ReservedAddress},
    end_spans, names, provider, wait_until,
};

pub(crate) fn outage_loses_no_span(protocol: Protocol) {
    let reserved = ReservedAddress::reserve();
    let processor = builder(protocol, reserved.address).build().unwrap();
    let provider = provider(&processor);
    end_spans(&provider, names(0..2_000));
    assert_eq!(processor.counts().waiting, 2_000);

    let collector = reserved.collector(protocol, Answer::Accept);
    wait_until("delivery", || processor.counts().exported == 2_000);
    let mut delivered = collector.names();
    delivered.sort_unstable();
    let mut expected: Vec<String> = names(0..2_000).collect();
    expected.sort_unstable();
    assert_eq!(delivered, expected, "each span once");
    let counts = processor.counts();
    assert_eq!(
        (counts.ended, counts.waiting, counts.lost.total()),
        (2_000, 0, 0)
    );
    provider.shutdown_with_timeout(PATIENCE).unwrap();
}

#[test]
fn http_outage_loses_no_span() {
    outage_loses_no_span(Protocol::Http);
}

#[test]
fn ending_spans_does_not_wait_for_collector() {
    // A server that accepts connections but never responds.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let timeout = Duration::from_secs(10);
    let processor = builder(Protocol::Http, silent.local_addr().unwrap())
        .timeout(timeout)
        .build()
        .unwrap();
    let provider = provider(&processor);
    let began = Instant::now();
    end_spans(&provider, names(0..10_000));
    let took = began.elapsed();
    assert!(took < timeout, "{took:?}");
    assert_eq!(processor.counts().waiting, 10_000);
}

#[test]
fn shutdown_delivers_waiting_spans() {
    let reserved = ReservedAddress::reserve();
    let address = reserved.address;
    let collector = reserved.collector(Protocol::Http, Answer::Accept);
    let processor = builder(Protocol::Http, address)
        .batching(otlp::Batching {
            delay: Duration::MAX,
            ..otlp::Batching::default()
        })
        .build()
        .unwrap();
    let provider = provider(&processor);
    end_spans(&provider, names(0..3));
    assert_eq!(processor.counts().waiting, 3, "the batch is not full");
    provider.shutdown_with_timeout(PATIENCE).unwrap();
    assert_eq!(collector.names(), ["span 0", "span 1", "span 2"]);
}
