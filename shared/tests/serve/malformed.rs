//! Two hundred malformed requests: none causes a server error, and the service keeps running.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    routing::{any, post},
};
use serde_json::Value;
use shared::{problem, serve::Limits, server::TraceLayer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Caller, Connection, Numbers, Service, patience, start};

/// Request heads that every server must reject, and request bodies that do not match their head.
const BY_HAND: [&[u8]; 29] = [
    b"\x00",
    b"\r\n\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET /\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1 extra\r\nHost: a\r\n\r\n",
    b"G\xffT / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    b"GET / HTTP/1.1\r\n: empty\r\n\r\n",
    b"GET / HTTP/1.1\r\nHo st: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
    b"GET / HTTP/1.1\nHost: a\n\rX: b\r\n\r\n",
    b"POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\n{}",
    b"POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    b"POST /json HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n{}",
    b"POST /json HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
    b"POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
    b"POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hello of a TLS client",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    b"SSH-2.0-OpenSSH_9.9\r\n",
];

const VALID: &[u8] = b"POST /json HTTP/1.1\r\nHost: shop.example\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"quantity\":1}";

/// Returns a valid request in which some bytes were removed, doubled or replaced.
fn broken(numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = VALID.to_vec();
    for _ in 0..=numbers.below(8) {
        let length = bytes.len() as u64;
        let at = usize::try_from(numbers.below(length)).unwrap();
        match numbers.below(4) {
            0 => drop(bytes.remove(at)),
            1 => bytes.insert(at, bytes[at]),
            2 => bytes.insert(at, b"\r\n\0:, "[usize::try_from(numbers.below(6)).unwrap()]),
            _ => bytes[at] = u8::try_from(numbers.below(256)).unwrap(),
        }
    }
    bytes
}

/// Sends these bytes, closes the sending half of the connection, and returns all bytes that the service sends.
async fn answer(service: &Service, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    // A connection reset also ends the response.
    let _ = patience(stream.read_to_end(&mut answer)).await;
    answer
}

async fn takes_json(problem::Json(value): problem::Json<Value>) -> axum::Json<Value> {
    axum::Json(value)
}

#[tokio::test]
async fn malformed_requests_are_rejected_and_service_continues() {
    let reached = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&reached);
    let outermost = from_fn(move |request: Request, next: Next| {
        counts.fetch_add(1, Ordering::Relaxed);
        next.run(request)
    });
    let routes = Router::new()
        .route("/json", post(takes_json))
        .route("/", any("root"))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed);
    let app = Limits::default()
        .apply(routes)
        .layer(problem::catch_panic())
        .layer(TraceLayer::new())
        .layer(outermost);
    let service = start(app).await;

    for bytes in BY_HAND {
        let answer = answer(&service, bytes).await;
        let refused = answer.is_empty() || answer.starts_with(b"HTTP/1.1 4");
        assert!(
            refused,
            "{}\n{}",
            bytes.escape_ascii(),
            answer.escape_ascii()
        );
    }
    let mut numbers = Numbers(8);
    for _ in BY_HAND.len()..200 {
        let bytes = broken(&mut numbers);
        let answer = answer(&service, &bytes).await;
        // Some of the changed requests are still valid. None may cause a server error.
        let failed = answer.starts_with(b"HTTP/1.1 5");
        assert!(
            !failed,
            "{}\n{}",
            bytes.escape_ascii(),
            answer.escape_ascii()
        );
    }

    let mut connection = Connection::open(&service).await;
    connection.request("GET /", &Caller::new()).await;
    assert_eq!(connection.answer().await.status, 200);
    // Most requests, but not all, were rejected before they reached the service.
    let reached = reached.load(Ordering::Relaxed);
    assert!((20..180).contains(&reached), "{reached}");
    patience(service.shut_down()).await;
}
