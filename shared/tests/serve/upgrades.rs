//! Upgraded connections, such as those of a `WebSocket`: they count toward the connection limit, and are closed when
//! the service stops.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::get,
};
use hyper_util::rt::TokioIo;
use shared::{
    serve::{self, Limits, Shutdown},
    server::TraceLayer,
    task,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
    time::Instant,
};

use crate::support::{Caller, Connection, Service, patience, start_within};

/// Reports how an upgraded connection ended, as its handler saw it.
type Ends = mpsc::UnboundedSender<std::io::Result<()>>;

/// Upgrades the connection and echoes bytes until the client closes the connection or, if `stops`, until the service
/// shuts down.
fn upgrade(mut request: Request, ends: Ends, shutdown: Shutdown, stops: bool) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    drop(task::spawn(async move {
        let mut socket = TokioIo::new(upgrade.await.unwrap());
        let echo = async {
            let mut bytes = [0; 64];
            loop {
                match socket.read(&mut bytes).await? {
                    0 => return Ok(()),
                    count => socket.write_all(&bytes[..count]).await?,
                }
            }
        };
        let end = tokio::select! {
            end = echo => end,
            () = shutdown.begun(), if stops => socket.write_all(b"bye").await,
        };
        drop(socket);
        ends.send(end).unwrap();
    }));
    Response::builder()
        .status(101)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .body(Body::empty())
        .unwrap()
}

/// Upgrades the connection, and never reads from it.
fn ignore(mut request: Request, ends: Ends) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    drop(task::spawn(async move {
        let socket = upgrade.await.unwrap();
        std::future::pending::<()>().await;
        drop((socket, ends));
    }));
    Response::builder().status(101).body(Body::empty()).unwrap()
}

async fn service(connections: usize) -> (Service, mpsc::UnboundedReceiver<std::io::Result<()>>) {
    let (sender, ended) = mpsc::unbounded_channel();
    let polite = async |State(ends): State<Ends>, shutdown: Shutdown, request: Request| {
        upgrade(request, ends, shutdown, true)
    };
    let stubborn = async |State(ends): State<Ends>, shutdown: Shutdown, request: Request| {
        upgrade(request, ends, shutdown, false)
    };
    let deaf = async |State(ends): State<Ends>, request: Request| ignore(request, ends);
    let app = Router::new()
        .route("/polite", get(polite))
        .route("/stubborn", get(stubborn))
        .route("/deaf", get(deaf))
        .route("/quick", get("hello"))
        .with_state(sender)
        .layer(TraceLayer::new());
    let limits = Limits {
        connections,
        ..Limits::default()
    };
    (start_within(limits, app).await, ended)
}

const HANDSHAKE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

async fn open(service: &Service, path: &str) -> Connection {
    let mut connection = Connection::open(service).await;
    ask(&mut connection, path).await;
    assert_eq!(connection.head().await.status, 101);
    connection
}

async fn ask(connection: &mut Connection, path: &str) {
    let line = format!("GET {path}");
    connection
        .request_with(&line, &Caller::new(), HANDSHAKE)
        .await;
}

async fn echo(connection: &mut Connection) {
    connection.send(b"ping\r\n").await;
    assert_eq!(connection.line().await, "ping");
}

#[tokio::test]
async fn upgraded_connection_keeps_its_place() {
    let (service, mut ended) = service(1).await;
    let mut first = open(&service, "/polite").await;
    let mut others = Vec::new();
    for _ in 0..4 {
        let mut other = Connection::open(&service).await;
        ask(&mut other, "/polite").await;
        others.push(other);
    }
    for _ in 0..100 {
        echo(&mut first).await;
    }
    assert!(others.iter().all(Connection::is_silent));

    for mut next in others {
        drop(std::mem::replace(&mut first, next));
        patience(ended.recv()).await.unwrap().unwrap();
        assert_eq!(first.head().await.status, 101);
        echo(&mut first).await;
        next = Connection::open(&service).await;
        next.request("GET /quick", &Caller::new()).await;
        assert!(next.is_silent());
    }
}

#[tokio::test]
async fn shutdown_tells_upgraded_connections_and_waits() {
    let (service, mut ended) = service(5).await;
    let mut open_ones = Vec::new();
    for _ in 0..5 {
        open_ones.push(open(&service, "/polite").await);
    }
    for connection in &mut open_ones {
        echo(connection).await;
    }
    service.tell_to_stop();
    for connection in open_ones {
        assert_eq!(connection.until_closed().await, b"bye");
    }
    patience(service.shut_down()).await;
    for _ in 0..5 {
        patience(ended.recv()).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn stubborn_upgraded_connection_is_cut_after_drain() {
    let (service, mut ended) = service(5).await;
    let mut connection = open(&service, "/stubborn").await;
    echo(&mut connection).await;
    service.tell_to_stop();
    // The upgraded connection is still served while the service drains.
    echo(&mut connection).await;
    tokio::time::pause();
    let told = Instant::now();
    service.shut_down().await;
    assert!(told.elapsed() >= serve::DRAIN_TIMEOUT / 2);
    // The handler of the connection was notified of the end before `serve` returned.
    let end = ended.try_recv().unwrap().unwrap_err();
    assert_eq!(end.kind(), std::io::ErrorKind::ConnectionAborted);
    assert_eq!(connection.until_closed().await, b"");
}

#[tokio::test]
async fn upgraded_connection_that_never_reads_is_left_behind() {
    let (service, _ended) = service(5).await;
    let _connection = open(&service, "/deaf").await;
    service.tell_to_stop();
    tokio::time::pause();
    let told = Instant::now();
    service.shut_down().await;
    assert!(told.elapsed() < serve::DRAIN_TIMEOUT * 2);
}
