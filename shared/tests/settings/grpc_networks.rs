//! Export over gRPC through networks that interfere: dead connections, load balancers and wrong ports.

use std::time::Instant;

use crate::{
    grpc_collector::{Answer, Collector},
    network::{Network, server_of},
    process::{DEADLINE, Process},
    support::collector,
};

fn process(endpoint: &str, more: &[(&str, &str)]) -> Process {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ];
    Process::start(&[&variables[..], more].concat())
}

#[test]
fn dead_connection_is_replaced_within_one_timeout() {
    let collector = Collector::answering(Answer::Taken);
    let network = Network::to(&[collector.address]);
    let timeout = ("OTEL_EXPORTER_OTLP_TIMEOUT", "6000");
    let mut process = process(&network.url(), &[timeout]);
    process.end_spans(1);
    assert_eq!(collector.export().spans, 1);
    network.forget();
    let died = Instant::now();
    process.end_spans(300);
    let mut arrived = 0;
    while arrived < 300 {
        arrived += collector.export().spans;
    }
    // HTTP/2 keep-alive detects the dead connection after two thirds of the timeout. The rest of this limit is for a
    // busy machine.
    println!("recovered after {:?}", died.elapsed());
    assert!(died.elapsed().as_secs() < 20);
    assert_eq!(network.connections(), 2);
    assert_eq!(process.stop().spans, [302, 302, 0]);
}

#[test]
fn unavailable_backend_is_left_for_another_connection() {
    let bad = Collector::answering(Answer::Code(14, None));
    let good = Collector::answering(Answer::Taken);
    let network = Network::to(&[bad.address, good.address]);
    let mut process = process(&network.url(), &[]);
    process.end_spans(1);
    assert_eq!(good.export().spans, 1);
    assert_eq!(process.stop().spans, [2, 2, 0]);
    assert_eq!(network.connections(), 2, "the working connection is kept");
}

#[test]
fn silent_collector_is_left_for_another_connection() {
    // The collector answers HTTP/2 keep-alive pings, but never the export.
    let bad = Collector::answering(Answer::Silence);
    let good = Collector::answering(Answer::Taken);
    let network = Network::to(&[bad.address, good.address]);
    let mut process = process(&network.url(), &[("OTEL_EXPORTER_OTLP_TIMEOUT", "1000")]);
    process.end_spans(1);
    assert_eq!(bad.export().spans, 1);
    while good.export().spans == 0 {}
    assert_eq!(process.stop().spans, [2, 2, 0]);
    assert_eq!(network.connections(), 2);
}

#[test]
fn http_port_is_named_as_cause() {
    // The first server closes the connection, and the other two answer in HTTP/1.1.
    for endpoint in [
        collector::Collector::start().url(),
        server_of(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
        server_of(b"HTTP/1.1 505 HTTP Version Not Supported\r\n\r\n"),
    ] {
        let said = process(&endpoint, &[(DEADLINE, "2")]).stop();
        assert_eq!(said.spans, [1, 0, 1]);
        let reason = &said.reasons()[0];
        let hint = "set the protocol to http/protobuf (OTEL_EXPORTER_OTLP_PROTOCOL), or use the port for gRPC, usually 4317";
        assert!(reason.contains(hint), "{reason}");
    }
}

#[test]
fn environment_proxy_is_not_used() {
    let collector = Collector::answering(Answer::Taken);
    let endpoint = format!("http://{}", collector.address);
    let said = process(&endpoint, &[("all_proxy", "http://192.0.2.1:3128")]).stop();
    assert_eq!(said.spans, [1, 1, 0]);
    assert_eq!(said.proxy(), None);
}
