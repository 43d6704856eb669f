//! Requests through the client layer that fail, panic or are dropped.

use std::{
    convert::Infallible,
    io::ErrorKind,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Waker},
    time::SystemTime,
};

use axum::{Router, body::Body, routing::get};
use http::{Request, Response};
use shared::{client::ClientTraceLayer, task, testing::recorder};
use tokio::net::TcpListener;
use tower::{Layer as _, Service as _, ServiceExt as _};

use crate::{
    layer::{call, client, get_request},
    support::{Gate, asked, clients, error, get_span, shape, start},
};

#[tokio::test]
async fn layer_and_middleware_name_failures_alike() {
    recorder();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hangs_up = listener.local_addr().unwrap().port();
    drop(task::spawn(async move {
        drop(listener.accept().await.unwrap());
    }));
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refuses = nobody.local_addr().unwrap().port();
    drop(nobody);
    for (host, port, name) in [
        ("127.0.0.1", refuses, "connect"),
        ("127.0.0.1", hangs_up, "reset"),
        ("does-not-exist.invalid", 80, "dns"),
    ] {
        let url = match port {
            80 => format!("http://{host}/"),
            port => format!("http://{host}:{port}/"),
        };
        let (result, trace) = call(&ClientTraceLayer::new(), get_request(&url)).await;
        let failure = result.unwrap_err();
        let mut expected = get_span(&trace, asked(&url, port));
        expected.status = error();
        let attributes = [
            ("server.address", host),
            ("error.type", name),
            ("network.protocol.version", "1.1"),
        ];
        let attributes = attributes.map(|(key, value)| (key.to_owned(), value.into()));
        expected.attributes.extend(attributes);
        assert_eq!(shape(clients(&trace)[0]), expected, "{failure:?}");
    }
}

#[tokio::test]
async fn dropped_request_ends_span_without_error() {
    let gate = Gate::new();
    let handler = {
        let gate = gate.clone();
        async move || gate.pass().await
    };
    let service = start(Router::new().route("/", get(handler))).await;
    let url = service.url("/");
    let client = client(&ClientTraceLayer::new());
    let (trace_id, inside) = recorder()
        .in_trace("caller", async {
            tokio::select! {
                _ = client.oneshot(get_request(&url)) => panic!("the gate is closed"),
                inside = async { gate.entered().await; SystemTime::now() } => inside,
            }
        })
        .await;
    let trace = recorder().trace(&trace_id, 2).await;
    let span = clients(&trace)[0];
    let expected = get_span(&trace, asked(&url, service.address.port()));
    assert_eq!(shape(span), expected);
    assert!(span.end >= inside, "it ended too early");
    assert!(span.end <= trace.span("caller").end, "it ended too late");
}

/// Creates a span when it is dropped, like a resource that is cleaned up on drop.
struct CleansUp;

impl Drop for CleansUp {
    fn drop(&mut self) {
        tracing::info_span!("clean_up").in_scope(|| {});
    }
}

#[tokio::test]
async fn cleanup_of_dropped_request_is_in_span() {
    recorder();
    let client = ClientTraceLayer::new().layer(tower::service_fn(async |_: Request<Body>| {
        let _cleans_up = CleansUp;
        std::future::pending::<Result<Response<Body>, Infallible>>().await
    }));
    let given_up = async {
        tokio::select! {
            biased;
            _ = client.oneshot(get_request("http://shop.example/")) => panic!("it never answers"),
            () = std::future::ready(()) => {}
        }
    };
    let (trace_id, ()) = recorder().in_trace("caller", given_up).await;
    let trace = recorder().trace(&trace_id, 3).await;
    let tree = "INTERNAL caller\n  CLIENT GET\n    INTERNAL clean_up\n";
    assert_eq!(trace.tree(), tree);
    assert!(trace.span("clean_up").end <= trace.span("GET").end);
}

#[tokio::test]
async fn client_panic_ends_span_of_kept_future() {
    recorder();
    let mut client = ClientTraceLayer::new().layer(tower::service_fn(
        async |_: Request<Body>| -> Result<Response<Body>, Infallible> {
            panic!("no more sockets")
        },
    ));
    let (trace_id, kept) = recorder()
        .in_trace("caller", async {
            let mut kept = Box::pin(client.call(get_request("http://shop.example/")));
            let poll = || kept.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            catch_unwind(AssertUnwindSafe(poll)).unwrap_err();
            (kept,)
        })
        .await;
    let span = recorder().span(&trace_id, "GET").await;
    drop(kept);
    assert_eq!(span.error_type().as_deref(), Some("panic"));
}

#[tokio::test]
async fn io_error_kind_is_error_type() {
    recorder();
    for (kind, name) in [
        (ErrorKind::TimedOut, "timeout"),
        (ErrorKind::ConnectionReset, "reset"),
        (ErrorKind::PermissionDenied, "_OTHER"),
    ] {
        let fails =
            move |_: Request<Body>| std::future::ready(Err::<Response<Body>, _>(kind.into()));
        let client = ClientTraceLayer::new().layer(tower::service_fn(fails));
        let sent = client.oneshot(get_request("http://shop.example/"));
        let (trace_id, result) = recorder().in_trace("caller", sent).await;
        let error: std::io::Error = result.unwrap_err();
        assert_eq!(error.kind(), kind);
        let span = recorder().span(&trace_id, "GET").await;
        assert_eq!(span.error_type().as_deref(), Some(name), "{error}");
    }
}
