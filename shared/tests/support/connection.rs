//! A raw HTTP/1.1 client.

use std::{collections::BTreeMap, net::SocketAddr};

use shared::testing::{Span, recorder};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use super::{Caller, Service, patience};

pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    /// The local port, which is the `network.peer.port` that the server records.
    pub(crate) port: u16,
}

/// A response with `Content-Length`, or without a body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Connection {
    pub(crate) async fn open(service: &Service) -> Self {
        Self::to(service.address).await
    }

    pub(crate) async fn to(address: SocketAddr) -> Self {
        let stream = patience(TcpStream::connect(address)).await.unwrap();
        let port = stream.local_addr().unwrap().port();
        Self {
            stream: BufReader::new(stream),
            port,
        }
    }

    /// Sends a request without a body. `line` consists of the method and the target.
    pub(crate) async fn request(&mut self, line: &str, caller: &Caller) {
        self.request_with(line, caller, "").await;
    }

    /// Sends a request with additional header lines, which may be followed by a body.
    pub(crate) async fn request_with(&mut self, line: &str, caller: &Caller, more: &str) {
        let more = if more.contains("\r\n\r\n") {
            more.to_owned()
        } else {
            format!("{more}\r\n")
        };
        let traceparent = caller.traceparent();
        let head =
            format!("{line} HTTP/1.1\r\nHost: shop.example:8080\r\ntraceparent: {traceparent}\r\n");
        self.send((head + &more).as_bytes()).await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).await.unwrap();
    }

    /// Sends bytes to a service that may have closed the connection.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        patience(self.stream.write_all(bytes)).await
    }

    /// Reads the head of a response, up to the empty line.
    pub(crate) async fn head(&mut self) -> Answer {
        let status = self.line().await;
        let status = status
            .split(' ')
            .nth(1)
            .unwrap_or_else(|| panic!("no status line: {status:?}"))
            .parse()
            .unwrap();
        let mut headers = BTreeMap::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            headers.insert(name.to_owned(), value.to_owned());
        }
        Answer {
            status,
            headers,
            body: String::new(),
        }
    }

    /// Reads a response with its body of `Content-Length` bytes.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        let length = answer.headers.get("content-length");
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        patience(self.stream.read_exact(&mut body)).await.unwrap();
        answer.body = String::from_utf8(body).unwrap();
        answer
    }

    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        patience(self.stream.read_line(&mut line)).await.unwrap();
        line.trim_end_matches("\r\n").to_owned()
    }

    /// Reads one chunk of a chunked body. The last chunk is empty.
    pub(crate) async fn chunk(&mut self) -> String {
        let size = usize::from_str_radix(&self.line().await, 16).unwrap();
        let mut chunk = vec![0; size + 2];
        patience(self.stream.read_exact(&mut chunk)).await.unwrap();
        String::from_utf8(chunk).unwrap().trim_end().to_owned()
    }

    /// Returns whether the server has sent nothing since the last response.
    pub(crate) fn is_silent(&self) -> bool {
        let waiting = self.stream.get_ref().try_read(&mut [0; 1]);
        self.stream.buffer().is_empty()
            && waiting.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Reads all bytes until the server closes the connection.
    pub(crate) async fn until_closed(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A connection reset also counts as the end.
        let _ = patience(self.stream.read_to_end(&mut bytes)).await;
        bytes
    }

    /// Closes the connection with a reset, even if data is in flight.
    pub(crate) fn reset(self) {
        self.stream.into_inner().set_zero_linger().unwrap();
    }
}

/// Sends a GET with additional header lines on a new connection, without an async runtime. Returns status line, headers
/// and body.
pub(crate) fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n{headers}\r\n");
    let exchange = async {
        let mut connection = Connection::to(address).await;
        connection.send(request.as_bytes()).await;
        connection.until_closed().await
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    String::from_utf8(runtime.unwrap().block_on(exchange)).unwrap()
}

/// Sends one request to a traced service. Returns the status, the caller, the only recorded span, and the local port.
pub(crate) async fn served(service: &Service, line: &str) -> (u16, Caller, Span, u16) {
    let recorder = recorder();
    let (caller, mut connection) = (Caller::new(), Connection::open(service).await);
    let port = connection.port;
    connection
        .request_with(line, &caller, "Connection: close\r\n")
        .await;
    let status = connection.head().await.status;
    connection.until_closed().await;
    let mut trace = recorder.trace(&caller.trace_id, 1).await;
    assert_eq!(trace.spans.len(), 1, "{trace}");
    (status, caller, trace.spans.remove(0), port)
}
