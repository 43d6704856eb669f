//! Responses with every kind of body, and without one: the bytes are passed on unchanged, and the span ends with the
//! last byte.

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::SystemTime,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper_util::rt::TokioIo;
use opentelemetry::trace::Status;
use shared::{server::TraceLayer, task, testing::recorder};

use crate::support::{
    Caller, Connection, Service, Shape, assert_between, attributes, parts, request_attributes,
    server, shape, start,
};

type Frames = Vec<Result<Frame<Bytes>, std::io::Error>>;

fn frames() -> Frames {
    let mut trailers = HeaderMap::new();
    trailers.insert("checksum", HeaderValue::from_static("5"));
    let data = ["one", "two"].map(|part| Ok(Frame::data(part.into())));
    data.into_iter()
        .chain([Ok(Frame::trailers(trailers))])
        .collect()
}

/// Responds with the request as the handler sees it.
async fn request(request: Request) -> String {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await;
    format!("{head:?} {body:?}")
}

async fn trailers() -> Response {
    let body = StreamBody::new(stream::iter(frames()));
    ([(header::TRAILER, "checksum")], Body::new(body)).into_response()
}

async fn chunked() -> Body {
    let parts = ["one", "", "three"].map(|part| Ok::<_, std::io::Error>(Bytes::from(part)));
    Body::from_stream(stream::iter(parts))
}

/// A stream body with `Content-Length`. The body only reports its end if it is polled again after the last byte.
async fn announced() -> Response {
    let body = chunked().await;
    ([(header::CONTENT_LENGTH, "8")], body).into_response()
}

/// An empty stream body with `Content-Length: 0`. The body must be polled to report that it is empty.
async fn announced_empty() -> Response {
    let body = Body::from_stream(stream::empty::<std::io::Result<Bytes>>());
    ([(header::CONTENT_LENGTH, "0")], body).into_response()
}

fn router() -> Router {
    Router::new()
        .route("/empty", get(()))
        .route("/text", get("some text"))
        .route("/large", get(|| async { "x".repeat(1 << 20) }))
        .route("/chunked", get(chunked))
        .route("/announced", get(announced))
        .route("/announced-empty", get(announced_empty))
        .route("/trailers", get(trailers))
        .route("/204", get(StatusCode::NO_CONTENT))
        .route("/204-with-body", get((StatusCode::NO_CONTENT, "dropped")))
        .route("/304", get((StatusCode::NOT_MODIFIED, "dropped")))
        .route("/echo", post(async |body: Bytes| body))
        .route("/request", any(request))
        .route("/head", any(|| async { chunked().await }))
}

/// Returns the local port and all bytes of the response, except for the header lines `date` and `traceresponse`, which
/// may differ.
async fn bytes(service: &Service, caller: &Caller, line: &str, more: &str) -> (u16, String) {
    let mut connection = Connection::open(service).await;
    let port = connection.port;
    let more = format!("Connection: close\r\n{more}");
    connection.request_with(line, caller, &more).await;
    let bytes = String::from_utf8(connection.until_closed().await).unwrap();
    let differs = |line: &&str| line.starts_with("date: ") || line.starts_with("traceresponse: ");
    let lines: Vec<&str> = bytes
        .split_inclusive('\n')
        .filter(|line| !differs(line))
        .collect();
    (port, lines.concat())
}

#[tokio::test]
async fn every_body_passes_unchanged() {
    let recorder = recorder();
    let plain = start(router()).await;
    let traced = start(router().layer(TraceLayer::new())).await;
    let echo = "Content-Length: 5\r\n\r\nhello";
    let chunked_echo = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for (method, path, more, status, ends_with) in [
        ("GET", "/empty", "", 200, "content-length: 0\r\n\r\n"),
        ("GET", "/text", "", 200, "\r\n\r\nsome text"),
        ("GET", "/large", "", 200, "xxxx"),
        (
            "GET",
            "/chunked",
            "",
            200,
            "3\r\none\r\n5\r\nthree\r\n0\r\n\r\n",
        ),
        ("GET", "/announced", "", 200, "\r\n\r\nonethree"),
        ("GET", "/announced-empty", "", 200, "\r\n\r\n"),
        (
            "GET",
            "/trailers",
            "TE: trailers\r\n",
            200,
            "two\r\n0\r\nchecksum: 5\r\n\r\n",
        ),
        ("GET", "/trailers", "", 200, "two\r\n0\r\n\r\n"),
        ("GET", "/204", "", 204, "\r\n\r\n"),
        ("GET", "/204-with-body", "", 204, "\r\n\r\n"),
        ("GET", "/304", "", 304, "\r\n\r\n"),
        ("HEAD", "/text", "", 200, "\r\n\r\n"),
        ("HEAD", "/head", "", 200, "\r\n\r\n"),
        ("POST", "/echo", echo, 200, "\r\n\r\nhello"),
        ("POST", "/request", echo, 200, "hello\")"),
        ("POST", "/echo", chunked_echo, 200, "\r\n\r\nhello"),
    ] {
        let (caller, line) = (Caller::new(), format!("{method} {path}"));
        let (_, untouched) = bytes(&plain, &caller, &line, more).await;
        let (port, passed) = bytes(&traced, &caller, &line, more).await;
        assert_eq!(passed, untouched, "{line}");
        assert!(passed.ends_with(ends_with), "{line}: {passed:?}");

        let trace = recorder.trace(&caller.trace_id, 1).await;
        let expected = server(&caller, (method, path, path), port, Some(status), None);
        assert_eq!(shape(&trace.spans[0]), expected);
    }
}

#[tokio::test]
async fn span_ends_with_last_frame() {
    let recorder = recorder();
    let (parts, body) = parts();
    let body = Arc::new(Mutex::new(Some(body)));
    let take = async move || body.lock().unwrap().take().unwrap();
    let router = Router::new().route("/report", get(take));
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    let before = SystemTime::now();
    connection.request("GET /report", &caller).await;
    assert_eq!(connection.head().await.status, 200);
    let inside = SystemTime::now();
    for part in ["first", "second"] {
        parts.send(Ok(part.into())).unwrap();
        assert_eq!(connection.chunk().await, part);
        assert_eq!(recorder.now(&caller.trace_id).spans, []);
    }
    let last = SystemTime::now();
    drop(parts);
    assert_eq!(connection.chunk().await, "");

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let request = ("GET", "/report", "/report");
    let expected = server(&caller, request, connection.port, Some(200), None);
    assert_eq!(shape(&trace.spans[0]), expected);
    assert_between(&trace.spans[0], before, (inside, last));
}

#[tokio::test]
async fn span_is_open_during_trailers() {
    let recorder = recorder();
    let ended = Arc::new(OnceLock::new());
    let caller = Caller::new();
    let (at_trailers, trace_id) = (ended.clone(), caller.trace_id.clone());
    let handler = async move || {
        let frames = stream::iter(frames().into_iter().inspect(move |frame| {
            if frame.as_ref().is_ok_and(Frame::is_trailers) {
                let spans = shared::testing::recorder().now(&trace_id).spans.len();
                at_trailers.set(spans).unwrap();
            }
        }));
        let body = Body::new(StreamBody::new(frames));
        ([(header::TRAILER, "checksum")], body)
    };
    let router = Router::new().route("/trailers", get(handler));
    let service = start(router.layer(TraceLayer::new())).await;
    bytes(&service, &caller, "GET /trailers", "TE: trailers\r\n").await;
    assert_eq!(recorder.trace(&caller.trace_id, 1).await.spans.len(), 1);
    assert_eq!(ended.get(), Some(&0));
}

/// Upgrades the connection to an echo protocol.
async fn switch(request: Request) -> impl IntoResponse {
    let upgrade = hyper::upgrade::on(request);
    drop(task::spawn(async move {
        let (mut read, mut write) = tokio::io::split(TokioIo::new(upgrade.await.unwrap()));
        tokio::io::copy(&mut read, &mut write).await.unwrap();
    }));
    let headers = [(header::UPGRADE, "echo"), (header::CONNECTION, "upgrade")];
    (StatusCode::SWITCHING_PROTOCOLS, headers)
}

#[tokio::test]
async fn upgrade_ends_span_with_101() {
    let recorder = recorder();
    let router = Router::new().route("/switch", get(switch));
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    let upgrade = "Connection: upgrade\r\nUpgrade: echo\r\n";
    connection
        .request_with("GET /switch", &caller, upgrade)
        .await;
    let head = connection.head().await;
    assert_eq!(head.status, 101);
    assert_eq!(head.headers["upgrade"], "echo");

    let trace = recorder.trace(&caller.trace_id, 1).await;
    let request = ("GET", "/switch", "/switch");
    let expected = server(&caller, request, connection.port, Some(101), None);
    assert_eq!(shape(&trace.spans[0]), expected);

    connection.send(b"hello\r\n").await;
    assert_eq!(connection.line().await, "hello");
    assert_eq!(recorder.now(&caller.trace_id).spans.len(), 1);
}

#[tokio::test]
async fn connect_request_has_empty_path() {
    let recorder = recorder();
    let router = Router::new().fallback(|| async { "dropped by the server" });
    let service = start(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    let port = connection.port;
    connection
        .request("CONNECT [2001:db8::1]:5432", &caller)
        .await;
    assert_eq!(connection.head().await.status, 200);

    let trace = recorder.trace(&caller.trace_id, 1).await;
    // The semantic conventions require `url.path` for every request, so a CONNECT has an empty path.
    let mut expected = request_attributes("CONNECT", "", None, port);
    expected.extend(attributes([
        ("server.address", "2001:db8::1".into()),
        ("server.port", 5432.into()),
        ("http.response.status_code", 200.into()),
    ]));
    let expected = Shape {
        name: "CONNECT".into(),
        status: Status::Unset,
        attributes: expected,
        ..server(&caller, ("CONNECT", "", ""), port, None, None)
    };
    assert_eq!(shape(&trace.spans[0]), expected);
}
