//! A service that calls another service, and raw HTTP connections with access to every byte, because a client library
//! would normalize headers.

use std::net::SocketAddr;

use axum::{Router, extract::State, routing::get};
use opentelemetry::{Context, trace::FutureExt as _};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use shared::{client::TraceMiddleware, server::TraceLayer, task};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::Connection;

/// A traced service. `GET /forward` calls another service twice, the second time from a function with `#[instrument]`.
/// The response contains both calls as the other service received them.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
}

/// An HTTP message as sent on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) start: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Service {
    pub(crate) async fn start(layer: TraceLayer) -> Self {
        let router = router(layer, echo().await);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(task::spawn(async { axum::serve(listener, router).await }));
        Self { address }
    }

    /// Requests `/forward` with these header lines. Returns the response, and the two calls to the other service.
    pub(crate) async fn forward(&self, lines: &[Vec<u8>]) -> (Message, [Message; 2]) {
        forward(self.address, lines).await
    }
}

pub(crate) async fn forward(address: SocketAddr, lines: &[Vec<u8>]) -> (Message, [Message; 2]) {
    let answer = exchange(address, lines).await;
    assert_eq!(answer.start, "HTTP/1.1 200 OK", "for {}", show(lines));
    let calls = str::from_utf8(&answer.body).expect("the calls are text");
    let mut calls = calls.split_inclusive("\r\n\r\n");
    let calls = [(); 2].map(|()| Message::parse(calls.next().expect("two calls").as_bytes()));
    (answer, calls)
}

pub(crate) fn show(lines: &[Vec<u8>]) -> String {
    let lines = lines.iter().map(|line| line.escape_ascii().to_string());
    lines.collect::<Vec<_>>().join(" | ")
}

/// Returns a header line without its line break.
pub(crate) fn line(name: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    [name.as_bytes(), b":", value.as_ref()].concat()
}

async fn exchange(address: SocketAddr, lines: &[Vec<u8>]) -> Message {
    let mut request = b"GET /forward HTTP/1.1\r\nhost: test\r\nconnection: close\r\n".to_vec();
    for line in lines {
        request.extend_from_slice(line);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let mut connection = Connection::to(address).await;
    connection.send(&request).await;
    Message::parse(&connection.until_closed().await)
}

impl Message {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let head = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let head = head.expect("a message has a head");
        let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
        let mut lines = text.split("\r\n");
        Self {
            start: lines.next().unwrap_or_default().to_owned(),
            headers: lines
                .map(|line| line.split_once(": ").expect("a header line"))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: bytes[head + 4..].to_vec(),
        }
    }

    /// Returns the value of a header. Asserts that the header is not repeated.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(key, _)| key == name);
        let value = values.next()?.1.as_str();
        assert!(values.next().is_none(), "{name} is there twice");
        Some(value)
    }

    /// Returns trace id, span id and flags of a `traceparent` or `traceresponse` header. Asserts that the header is
    /// valid.
    pub(crate) fn sent(&self, name: &str) -> (String, String, String) {
        let value = self
            .header(name)
            .unwrap_or_else(|| panic!("{name} is missing"));
        let fields: Vec<&str> = value.split('-').collect();
        let [version, trace_id, span_id, flags] = fields[..] else {
            panic!("{name} has four fields: {value}");
        };
        let lower_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        assert_eq!(version, "00");
        assert!(trace_id.len() == 32 && lower_hex(trace_id) && trace_id != "0".repeat(32));
        assert!(span_id.len() == 16 && lower_hex(span_id) && span_id != "0".repeat(16));
        assert!(flags.len() == 2 && lower_hex(flags));
        (trace_id.to_owned(), span_id.to_owned(), flags.to_owned())
    }
}

#[derive(Clone)]
struct Callee {
    client: ClientWithMiddleware,
    address: SocketAddr,
}

impl Callee {
    fn at(address: SocketAddr) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the middleware wraps this client"
        )]
        let client = ClientBuilder::new(reqwest::Client::new())
            .with(TraceMiddleware::new())
            .build();
        Self { client, address }
    }
}

pub(crate) fn router(layer: TraceLayer, callee: SocketAddr) -> Router {
    Router::new()
        .route("/forward", get(call_twice))
        .with_state(Callee::at(callee))
        .layer(layer)
}

/// Makes two calls in a context without a server span, the second call from another task. Returns the calls as the
/// called service received them.
pub(crate) async fn calls_in(cx: Context) -> [Message; 2] {
    let callee = Callee::at(echo().await);
    let both = async {
        let first = call(&callee).await;
        let second = task::spawn(async move { call(&callee).await });
        [first, second.await.unwrap()]
    };
    let heads = both.with_context(cx).await;
    heads.map(|head| Message::parse(head.as_bytes()))
}

async fn call_twice(State(callee): State<Callee>) -> String {
    let first = call(&callee).await;
    first + &place_order(&callee).await
}

#[tracing::instrument(skip_all)]
async fn place_order(callee: &Callee) -> String {
    call(callee).await
}

async fn call(callee: &Callee) -> String {
    let url = format!("http://{}/", callee.address);
    let answer = callee.client.get(url).send().await.unwrap();
    answer.text().await.unwrap()
}

/// Starts a server that responds to every request with the head of the request.
pub(crate) async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(task::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(task::spawn(answer(stream)));
        }
    }));
    address
}

async fn answer(mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    let answer = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        head.len()
    );
    let _ = stream.write_all(&[answer.as_bytes(), &head].concat()).await;
}
