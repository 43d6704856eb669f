//! Client spans of requests without a response: each kind of failure has a stable `error.type`.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    routing::{get, post},
};
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use reqwest::dns::{Name, Resolve, Resolving};
use reqwest_middleware::{ClientBuilder, Error};
use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
use shared::{
    client::{TraceMiddleware, error_type},
    task,
    testing::recorder,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower::util::MapErrLayer;

use crate::support::{
    Attributes, asked, attributes, bare_client, call, client, client_builder, clients, get_span,
    patience, shape, start,
};

/// Asserts that a GET fails with this `error.type`, and that its span has exactly the expected attributes.
async fn assert_fails(
    request: reqwest_middleware::RequestBuilder,
    from_start: Attributes,
    name: &str,
) {
    let (result, trace) = call(request).await;
    let error = result.unwrap_err();
    assert_eq!(error_type(&error), name, "{error:?}");
    let mut expected = get_span(&trace, from_start);
    expected.status = crate::support::error();
    let error_type = ("error.type", name.to_owned().into());
    // Over plain HTTP, the protocol version is known even without a response.
    let version = ("network.protocol.version", "1.1".into());
    expected
        .attributes
        .extend(attributes([error_type, version]));
    assert_eq!(shape(clients(&trace)[0]), expected, "{error:?}");
}

/// An address without a listener.
async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// A server that reads the head of one request and passes the connection to a closure.
async fn one_request<F>(then: impl FnOnce(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(task::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        then(stream).await;
    }));
    address
}

#[tokio::test]
async fn refused_connection_is_connect() {
    recorder();
    let address = nobody().await;
    let url = format!("http://{address}/");
    let request = client(TraceMiddleware::new()).get(&url);
    assert_fails(request, asked(&url, address.port()), "connect").await;
}

#[tokio::test]
async fn ipv6_address_has_no_brackets() {
    recorder();
    let listener = TcpListener::bind("[::1]:0").await;
    // Without IPv6 on the machine, the connection fails for another reason, but with the same `error.type`.
    let address = listener.and_then(|listener| listener.local_addr());
    let port = address.map_or(9, |address| address.port());
    let url = format!("http://[::1]:{port}/");
    let mut expected = asked(&url, port);
    expected.extend(attributes([("server.address", "::1".into())]));
    assert_fails(
        client(TraceMiddleware::new()).get(&url),
        expected,
        "connect",
    )
    .await;
}

#[tokio::test]
async fn unresolvable_name_is_dns() {
    recorder();
    let url = "http://does-not-exist.invalid/";
    let mut expected = asked(url, 80);
    let name = ("server.address", "does-not-exist.invalid".into());
    expected.extend(attributes([name]));
    assert_fails(client(TraceMiddleware::new()).get(url), expected, "dns").await;
}

/// A DNS resolver that never answers.
struct NoAnswer;

impl Resolve for NoAnswer {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn connect_timeout_during_lookup_is_connect() {
    recorder();
    let url = "http://gone.invalid/";
    let mut expected = asked(url, 80);
    expected.extend(attributes([("server.address", "gone.invalid".into())]));
    let impatient = client_builder()
        .connect_timeout(Duration::from_millis(50))
        .dns_resolver(NoAnswer)
        .build();
    let client = ClientBuilder::new(impatient.unwrap())
        .with(TraceMiddleware::new())
        .build();
    assert_fails(client.get(url), expected, "connect").await;
}

/// The crate is built without TLS, so a connector layer fails with the error messages of `rustls`.
#[tokio::test]
async fn failed_handshake_is_tls() {
    recorder();
    let address = nobody().await;
    let url = format!("http://{address}/");
    for said in [
        "invalid peer certificate: UnknownIssuer",
        "received fatal alert: HandshakeFailure",
        "received corrupt message of type InvalidContentType",
        "peer is incompatible: NoCipherSuitesInCommon",
    ] {
        let handshake = MapErrLayer::new(move |_: Box<dyn std::error::Error + Send + Sync>| {
            Box::<dyn std::error::Error + Send + Sync>::from(std::io::Error::other(said))
        });
        let connects = client_builder().connector_layer(handshake).build().unwrap();
        let client = ClientBuilder::new(connects)
            .with(TraceMiddleware::new())
            .build();
        assert_fails(client.get(&url), asked(&url, address.port()), "tls").await;
    }
}

#[tokio::test]
async fn no_answer_in_time_is_timeout() {
    recorder();
    let address = one_request(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let url = format!("http://{address}/");
    let limit = Duration::from_millis(20);
    let request = client(TraceMiddleware::new()).get(&url).timeout(limit);
    assert_fails(request, asked(&url, address.port()), "timeout").await;
}

#[tokio::test]
async fn connection_broken_before_head_is_reset() {
    recorder();
    let closed = one_request(|stream| async { drop(stream) }).await;
    let closed_in_head = one_request(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nCont").await.unwrap();
    })
    .await;
    let reset = one_request(|stream| async move { stream.set_zero_linger().unwrap() }).await;
    let reset_in_head = one_request(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nCont").await.unwrap();
        stream.set_zero_linger().unwrap();
    })
    .await;
    for address in [closed, closed_in_head, reset, reset_in_head] {
        let url = format!("http://{address}/");
        let request = client(TraceMiddleware::new()).get(&url);
        assert_fails(request, asked(&url, address.port()), "reset").await;
    }
}

#[tokio::test]
async fn non_http_answer_is_other() {
    recorder();
    let address = one_request(|mut stream| async move {
        stream
            .write_all(b"220 mail.example ESMTP\r\n\r\n")
            .await
            .unwrap();
    })
    .await;
    let url = format!("http://{address}/");
    let request = client(TraceMiddleware::new()).get(&url);
    assert_fails(request, asked(&url, address.port()), "_OTHER").await;
}

#[tokio::test]
async fn failed_request_body_is_body() {
    recorder();
    let service = start(Router::new().route("/", post(async |body: Body| body))).await;
    let parts = [
        Ok(Bytes::from("part")),
        Err(std::io::Error::other("disk full")),
    ];
    let frames = parts.map(|part| part.map(Frame::data));
    let body = reqwest::Body::wrap(StreamBody::new(stream::iter(frames)));
    let url = service.url("/");
    let request = client(TraceMiddleware::new()).post(&url).body(body);
    let (result, trace) = call(request).await;
    let error = result.unwrap_err();
    assert_eq!(error_type(&error), "body", "{error:?}");
    let mut attributes = asked(&url, service.address.port());
    attributes.insert("http.request.method".into(), "POST".into());
    attributes.insert("error.type".into(), "body".into());
    attributes.insert("network.protocol.version".into(), "1.1".into());
    let expected = crate::support::Shape {
        name: "POST".into(),
        ..get_span(&trace, attributes)
    };
    assert_eq!(shape(clients(&trace)[0]), expected);
}

#[tokio::test]
async fn broken_response_body_keeps_span_successful() {
    recorder();
    let address = one_request(|mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour";
        stream.write_all(head).await.unwrap();
    })
    .await;
    let url = format!("http://{address}/");
    let (result, trace) = call(client(TraceMiddleware::new()).get(&url)).await;
    let mut expected = asked(&url, address.port());
    expected.extend(attributes([
        ("http.response.status_code", 200.into()),
        ("network.protocol.version", "1.1".into()),
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", i64::from(address.port()).into()),
    ]));
    let error = patience(result.unwrap().bytes()).await.unwrap_err();
    assert_eq!(shape(clients(&trace)[0]), get_span(&trace, expected));
    assert_eq!(error_type(&Error::Reqwest(error)), "reset");
}

#[tokio::test]
async fn undecodable_answer_is_body() {
    recorder();
    let service = start(Router::new().route("/", get("no number"))).await;
    let request = client(TraceMiddleware::new()).get(service.url("/"));
    let error = call(request).await.0.unwrap().json::<u32>().await;
    let error = Error::Reqwest(error.unwrap_err());
    assert_eq!(error_type(&error), "body", "{error:?}");
}

#[tokio::test]
async fn exhausted_retries_keep_last_error_type() {
    recorder();
    let url = format!("http://{}/", nobody().await);
    let millisecond = Duration::from_millis(1);
    let policy = ExponentialBackoff::builder()
        .retry_bounds(millisecond, millisecond)
        .build_with_max_retries(2);
    let client = ClientBuilder::new(bare_client())
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .with(TraceMiddleware::new())
        .build();
    let (result, trace) = call(client.get(&url)).await;
    let failures: Vec<_> = clients(&trace)
        .iter()
        .map(|span| span.error_type())
        .collect();
    assert_eq!(failures, [(); 3].map(|()| Some("connect".to_owned())));
    assert_eq!(error_type(&result.unwrap_err()), "connect");
}
