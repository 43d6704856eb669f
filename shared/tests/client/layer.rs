//! Client spans of a tower HTTP client other than `reqwest`: all attributes equal those of the `reqwest` middleware.

use axum::{
    Router,
    body::Body,
    extract::Path,
    routing::{any, get},
};
use http::{HeaderName, Request, Response, StatusCode, Uri, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use opentelemetry::{Array, Value};
use shared::{
    client::{ClientTrace, ClientTraceLayer, UrlTemplate},
    server::TraceLayer,
    task,
    testing::{Trace, recorder},
};
use tokio::net::TcpStream;
use tower::{Layer as _, ServiceExt as _};

use crate::support::{
    Meters, answered, asked, attributes, clients, get_span, patience, shape, start,
};

pub(crate) fn client(layer: &ClientTraceLayer) -> ClientTrace<Client<HttpConnector, Body>> {
    layer.layer(Client::builder(TokioExecutor::new()).build_http())
}

pub(crate) fn get_request(url: &str) -> Request<Body> {
    Request::get(url).body(Body::empty()).unwrap()
}

/// Sends a request in a new trace.
pub(crate) async fn call(
    layer: &ClientTraceLayer,
    request: Request<Body>,
) -> (Result<Response<Incoming>, Error>, Trace) {
    let sent = patience(client(layer).oneshot(request));
    let (trace_id, result) = recorder().in_trace("caller", sent).await;
    (result, recorder().trace(&trace_id, 2).await)
}

#[tokio::test]
async fn layer_span_equals_middleware_span() {
    recorder();
    let status = async |Path(code): Path<u16>| StatusCode::from_u16(code).unwrap();
    let service = start(Router::new().route("/status/{code}", any(status))).await;
    for code in [200, 302, 404, 503] {
        let url = service.url(&format!("/status/{code}"));
        let (result, trace) = call(&ClientTraceLayer::new(), get_request(&url)).await;
        assert_eq!(i64::from(result.unwrap().status().as_u16()), code);
        let expected = get_span(&trace, answered(&service, &url, code));
        assert_eq!(shape(clients(&trace)[0]), expected);
    }
}

#[tokio::test]
async fn server_continues_trace_and_body_arrives() {
    let router = Router::new().route("/items/{id}", get(async || "in stock"));
    let service = start(router.layer(TraceLayer::new())).await;
    let mut request = get_request(&service.url("/items/7"));
    request
        .extensions_mut()
        .insert(UrlTemplate::new(String::from("/items/{id}")));
    let (result, trace) = call(&ClientTraceLayer::new(), request).await;
    let body = result.unwrap().into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "in stock");
    let trace = recorder().trace(&trace.spans[0].trace_id, 3).await;
    trace.assert_joined();
    let tree = "INTERNAL caller\n  CLIENT GET /items/{id}\n    SERVER GET /items/{id}\n";
    assert_eq!(trace.tree(), tree);
}

#[tokio::test]
async fn layer_supports_middleware_settings() {
    recorder();
    let meters = Meters::new();
    let handler = async || ([("x-cache", "hit"), ("set-cookie", "id=secret")], "answer");
    let service = start(Router::new().route("/", get(handler))).await;
    let names = || {
        [
            header::SET_COOKIE,
            header::AUTHORIZATION,
            HeaderName::from_static("x-cache"),
            HeaderName::from_static("x-tag"),
        ]
    };
    let layer = ClientTraceLayer::new()
        .request_headers(names())
        .response_headers(names())
        .redact_query_keys(["token"])
        .meter_provider(&meters.provider);
    let mut request = get_request(&service.url("/?token=secret&page=2"));
    let headers = request.headers_mut();
    headers.insert("x-tag", "a".parse().unwrap());
    headers.insert(header::AUTHORIZATION, "Bearer secret".parse().unwrap());
    let (_, trace) = call(&layer, request).await;

    let url = service.url("/?token=REDACTED&page=2");
    let mut expected = get_span(&trace, answered(&service, &url, 200));
    let strings = |value: &'static str| Value::Array(Array::String(vec![value.into()]));
    expected.attributes.extend(attributes([
        ("http.request.header.x-tag", strings("a")),
        ("http.response.header.x-cache", strings("hit")),
    ]));
    assert_eq!(shape(clients(&trace)[0]), expected);
    let measured = attributes([
        ("http.request.method", "GET".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(service.address.port()).into()),
        ("http.response.status_code", 200.into()),
        ("network.protocol.version", "1.1".into()),
    ]);
    assert_eq!(
        meters.counts("http.client.request.duration"),
        [(measured, 1)]
    );
}

#[tokio::test]
async fn inner_work_of_client_is_child_span() {
    recorder();
    let service = start(Router::new().route("/", get("hello"))).await;
    let connect = tower::service_fn(|uri: Uri| {
        tracing::info_span!("prepare").in_scope(|| {});
        async move {
            tracing::info_span!("open").in_scope(|| {});
            let stream = TcpStream::connect(uri.authority().unwrap().as_str()).await?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            drop(task::spawn(connection));
            let request = Request::get(uri.path()).header(header::HOST, "shop.example");
            let answer = sender.send_request(request.body(Body::empty())?).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(answer)
        }
    });
    let client = connect
        .map_request(|request: Request<Body>| request.uri().clone())
        .map_err(std::io::Error::other);
    let client = ClientTraceLayer::new().layer(client);
    let request = get_request(&service.url("/"));
    let (trace_id, answer) = recorder()
        .in_trace("caller", patience(client.oneshot(request)))
        .await;
    assert_eq!(answer.unwrap().status(), 200);
    let trace = recorder().trace(&trace_id, 4).await;
    let tree = "INTERNAL caller\n  CLIENT GET\n    INTERNAL prepare\n    INTERNAL open\n";
    assert_eq!(trace.tree(), tree);
}

#[tokio::test]
async fn single_connection_uses_host_header() {
    recorder();
    let service = start(Router::new().route("/", get("hello"))).await;
    let stream = TcpStream::connect(service.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    drop(task::spawn(connection));
    let client = ClientTraceLayer::new().layer(tower::service_fn(move |request: Request<Body>| {
        sender.send_request(request)
    }));
    let port = service.address.port();
    let mut request = get_request("/?page=2");
    let host = service.address.to_string().parse().unwrap();
    request.headers_mut().insert(header::HOST, host);
    let (trace_id, answer) = recorder()
        .in_trace("caller", patience(client.oneshot(request)))
        .await;
    assert_eq!(answer.unwrap().status(), 200);
    let trace = recorder().trace(&trace_id, 2).await;
    let mut expected = get_span(&trace, asked(&service.url("/?page=2"), port));
    expected.attributes.extend(attributes([
        ("http.response.status_code", 200.into()),
        ("network.protocol.version", "1.1".into()),
    ]));
    assert_eq!(shape(clients(&trace)[0]), expected);
}
