//! Client spans of a tower HTTP client that is not `reqwest`: those of the middleware, to the last attribute.

use std::{
    convert::Infallible,
    io::ErrorKind,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Waker},
    time::SystemTime,
};

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
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer as _, Service as _, ServiceExt as _};

use crate::support::{
    Gate, Meters, answered, asked, attributes, clients, error, get_span, patience, shape, start,
};

fn client(layer: &ClientTraceLayer) -> ClientTrace<Client<HttpConnector, Body>> {
    layer.layer(Client::builder(TokioExecutor::new()).build_http())
}

fn get_request(url: &str) -> Request<Body> {
    Request::get(url).body(Body::empty()).unwrap()
}

/// Sends a request in a new trace.
async fn call(
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

/// Makes a span when it is dropped, as whatever cleans up behind itself.
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

/// Calls a stand-in from a handler through `client`, and returns the tree of the request.
async fn tree_of_handler<S>(client: S) -> String
where
    S: tower::Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: std::fmt::Debug + Send,
{
    recorder();
    let handler = async move || {
        let request = get_request("http://inventory/check");
        client.oneshot(request).await.unwrap();
        shared::span::trace_id().unwrap()
    };
    let router = Router::new().route("/", get(handler));
    let service = start(router.layer(TraceLayer::new())).await;
    let request = Request::get(format!("http://{}/", service.address)).body(Body::empty());
    let plain = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let answer = plain.request(request.unwrap()).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let trace_id = String::from_utf8(body.to_vec()).unwrap();
    recorder().trace(&trace_id, 2).await.tree()
}

fn stand_in()
-> impl tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    tower::service_fn(|_: Request<Body>| std::future::ready(Ok(Response::new(Body::empty()))))
}

#[tokio::test]
async fn buffer_around_layer_joins_callers_trace() {
    let client = tower::ServiceBuilder::new()
        .buffer(16)
        .layer(ClientTraceLayer::new())
        .service(stand_in());
    let tree = tree_of_handler(client).await;
    assert_eq!(tree, "SERVER GET /\n  CLIENT GET\n");
}

#[tokio::test]
async fn layer_around_buffer_joins_callers_trace() {
    let client = tower::ServiceBuilder::new()
        .layer(ClientTraceLayer::new().boxed_errors())
        .buffer(16)
        .service(stand_in());
    let tree = tree_of_handler(client).await;
    assert_eq!(tree, "SERVER GET /\n  CLIENT GET\n");
}

#[tokio::test]
async fn second_layer_on_client_steps_aside() {
    let client = tower::ServiceBuilder::new()
        .layer(ClientTraceLayer::new())
        .layer(ClientTraceLayer::new())
        .service(stand_in());
    let tree = tree_of_handler(client).await;
    assert_eq!(tree, "SERVER GET /\n  CLIENT GET\n");
}

#[tokio::test]
async fn boxed_error_is_named_by_its_cause() {
    let late = || -> tower::BoxError { Box::new(std::io::Error::from(ErrorKind::TimedOut)) };
    let failing = tower::service_fn(move |_: Request<Body>| {
        std::future::ready(Err::<Response<Body>, _>(late()))
    });
    let client = ClientTraceLayer::new().boxed_errors().layer(failing);
    let sent = client.oneshot(get_request("http://inventory/check"));
    let (trace_id, result) = recorder().in_trace("caller", sent).await;
    assert!(result.is_err());
    let trace = recorder().trace(&trace_id, 2).await;
    assert_eq!(clients(&trace)[0].error_type().as_deref(), Some("timeout"));
}
