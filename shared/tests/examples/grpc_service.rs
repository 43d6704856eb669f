//! `examples/grpc.rs`: a call over gRPC with tonic.

use http::Uri;
use opentelemetry::trace::{SpanKind, Status};
use shared::testing::{Span, Trace, recorder};
use tokio::net::TcpListener;
use tonic::Code;

use crate::{
    grpc,
    support::{Attributes, attributes, error, patience},
};

async fn check(server: &Uri, service: &str) -> (Result<(), Code>, String) {
    let call = patience(grpc::check(server, service));
    let (trace_id, result) = recorder().in_trace("caller", call).await;
    let result = result.map(|_| ()).map_err(|status| status.code());
    (result, trace_id)
}

fn side<'a>(trace: &'a Trace, kind: &SpanKind) -> &'a Span {
    let mut spans = trace.spans.iter();
    spans.find(|span| span.kind == *kind).unwrap()
}

fn rpc(code: &str) -> Attributes {
    attributes([
        ("rpc.system.name", "grpc".into()),
        ("rpc.method", "grpc.health.v1.Health/Check".into()),
        ("rpc.response.status_code", code.to_owned().into()),
    ])
}

fn client(server: &Uri, code: &str) -> Attributes {
    let mut expected = rpc(code);
    let port = i64::from(server.port_u16().unwrap());
    expected.insert("server.address".into(), "127.0.0.1".into());
    expected.insert("server.port".into(), port.into());
    if code != "OK" {
        expected.insert("error.type".into(), code.to_owned().into());
    }
    expected
}

#[tokio::test]
async fn grpc_call_is_one_trace() {
    recorder();
    let (address, serving) = grpc::start_server().await.unwrap();
    let _stops = serving.cancel_on_drop();
    let server: Uri = format!("http://{address}").parse().unwrap();
    for (service, answer, code) in [
        ("", Ok(()), "OK"),
        ("nobody", Err(Code::NotFound), "NOT_FOUND"),
    ] {
        let (result, trace_id) = check(&server, service).await;
        assert_eq!(result, answer);
        let trace = recorder().trace(&trace_id, 3).await;
        trace.assert_joined();
        let [asking, asked] = [SpanKind::Client, SpanKind::Server].map(|kind| side(&trace, &kind));
        assert_eq!(asked.parent_id.as_ref(), Some(&asking.span_id));
        assert_eq!(
            asking.parent_id.as_ref(),
            Some(&trace.span("caller").span_id)
        );
        for span in [asking, asked] {
            assert_eq!(span.name, "grpc.health.v1.Health/Check");
        }
        assert_eq!(asking.attributes, client(&server, code));
        let failed = if code == "OK" { Status::Unset } else { error() };
        assert_eq!(asking.status, failed);
        let port = asked.attributes["network.peer.port"].clone();
        assert_ne!(
            port,
            i64::from(address.port()).into(),
            "the peer is the server"
        );
        let mut expected = rpc(code);
        expected.insert("network.peer.address".into(), "127.0.0.1".into());
        expected.insert("network.peer.port".into(), port);
        assert_eq!(asked.attributes, expected);
        assert_eq!(asked.status, Status::Unset);
    }
}

#[tokio::test]
async fn unanswered_grpc_call_fails_client_span() {
    recorder();
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server: Uri = format!("http://{}", nobody.local_addr().unwrap())
        .parse()
        .unwrap();
    drop(nobody);
    let (result, trace_id) = check(&server, "").await;
    assert_eq!(result, Err(Code::Unavailable));
    let trace = recorder().trace(&trace_id, 2).await;
    let span = side(&trace, &SpanKind::Client);
    assert_eq!(span.attributes, client(&server, "UNAVAILABLE"));
    assert_eq!(span.status, error());
}
