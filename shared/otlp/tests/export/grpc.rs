//! Tests the guarantees of `README.md` over gRPC.

use otlp::Compression;

use crate::{
    builder,
    collector::{Answer, Protocol, ReservedAddress},
    end_spans,
    losses::refusal_is_counted,
    names,
    outages::outage_loses_no_span,
    provider, wait_until,
};

#[test]
fn grpc_outage_loses_no_span() {
    outage_loses_no_span(Protocol::Grpc);
}

#[test]
fn grpc_refusal_is_counted() {
    refusal_is_counted(Protocol::Grpc);
}

#[test]
fn grpc_request_has_resource_and_compression() {
    let reserved = ReservedAddress::reserve();
    let address = reserved.address;
    let collector = reserved.collector(Protocol::Grpc, Answer::Accept);
    let processor = builder(Protocol::Grpc, address)
        .header("api-key", "secret")
        .compression(Compression::Gzip)
        .build()
        .unwrap();
    end_spans(&provider(&processor), names(0..1));
    wait_until("export", || processor.counts().exported == 1);
    collector.with_exports(|exports| {
        assert_eq!(exports[0].resource("service.name"), "shop");
        assert_eq!(exports[0].headers["api-key"], "secret");
        assert_eq!(exports[0].headers["grpc-encoding"], "gzip");
    });
}
