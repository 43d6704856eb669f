//! Ten thousand clients that disconnect at any moment leave no tasks and no active requests behind.

use std::net::SocketAddr;

use axum::{
    Router,
    body::{Body, Bytes},
    routing::{get, post},
};
use futures_util::{
    future::join_all,
    stream::{self, StreamExt as _},
};
use shared::{problem, serve::Limits, server::TraceLayer, task};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Handle,
};

use crate::support::{Meters, Numbers, in_child, patience, start};

const CALLERS: u64 = 50;
const CALLS: u64 = 200;

async fn streams() -> Body {
    let part = || Some((Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 4096])), ()));
    Body::from_stream(stream::unfold((), move |()| std::future::ready(part())).take(100))
}

/// Handler that waits for a task, which is cancelled when the handler is dropped.
async fn works() -> &'static str {
    let work = task::spawn(std::future::pending::<()>());
    let _ends = work.cancel_on_drop();
    let _ = work.await;
    "never"
}

fn router() -> Router {
    let routes = Router::new()
        .route("/quick", get("hello"))
        .route("/echo", post(async |body: Bytes| body))
        .route("/streams", get(streams))
        .route("/stuck", get(std::future::pending::<()>))
        .route("/works", get(works))
        .fallback(problem::not_found);
    Limits::default()
        .apply(routes)
        .layer(problem::catch_panic())
}

const REQUESTS: [&str; 6] = [
    "GET /quick HTTP/1.1\r\nHost: shop\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello",
    "POST /echo HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "GET /streams HTTP/1.1\r\nHost: shop\r\n\r\n",
    "GET /stuck HTTP/1.1\r\nHost: shop\r\n\r\n",
    "GET /works HTTP/1.1\r\nHost: shop\r\n\r\n",
];

/// Sends all or part of a request, reads part of a response if there is one, and disconnects.
async fn call(address: SocketAddr, numbers: &mut Numbers) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let which = numbers.below(REQUESTS.len() as u64);
    let request = REQUESTS[usize::try_from(which).unwrap()].as_bytes();
    let whole = numbers.below(2) == 0;
    let sent = if whole {
        request.len() as u64
    } else {
        numbers.below(request.len() as u64)
    };
    let sent = usize::try_from(sent).unwrap();
    let _ = stream.write_all(&request[..sent]).await;
    let is_answered = whole && which < 4;
    if is_answered && numbers.below(2) == 0 {
        let mut some = vec![0; usize::try_from(1 + numbers.below(100_000)).unwrap()];
        let _ = patience(stream.read(&mut some)).await;
    }
    // Most connections are closed with a reset. After an ordinary close, the local port would be unavailable for a
    // minute, and ten thousand connections would use up the ports.
    if numbers.below(8) > 0 {
        let _ = stream.set_zero_linger();
    }
}

/// Runs in a child process, because the test counts all tasks of the process.
#[test]
fn ten_thousand_disconnects_leave_no_residue() {
    in_child(&[], async || disconnect_and_count().await);
}

async fn disconnect_and_count() {
    let meters = Meters::new();
    let layer = TraceLayer::new().meter_provider(&meters.provider);
    let service = start(router().layer(layer)).await;
    let alive = || Handle::current().metrics().num_alive_tasks();
    let before = (alive(), task::running());
    let address = service.address;
    let callers = (1..=CALLERS).map(|seed| async move {
        let mut numbers = Numbers(seed);
        for _ in 0..CALLS {
            call(address, &mut numbers).await;
        }
    });
    join_all(callers).await;

    // The runtime has one task for each connection. Tasks of the handler `works` are also counted by `task::running`.
    let nothing_left = async {
        while (alive(), task::running()) != before {
            tokio::task::yield_now().await;
        }
    };
    patience(nothing_left).await;
    let active = meters.values("http.server.active_requests");
    assert!(!active.is_empty());
    assert!(active.iter().all(|(_, count)| *count == 0), "{active:?}");
    let measured = meters.counts("http.server.request.duration");
    let requests: i64 = measured.iter().map(|(_, count)| count).sum();
    assert!(requests > 1000, "too few got through: {requests}");
    patience(service.shut_down()).await;
}
