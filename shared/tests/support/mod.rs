//! Test support: a service on a real socket, a client with access to every byte, complete expected spans, child
//! processes, and a collector.
#![allow(dead_code, reason = "each test binary uses a part of this")]
#![allow(unused_imports, reason = "each test binary uses a part of this")]

mod calls;
mod child;
pub(crate) mod collector;
mod connection;
mod gate;
pub(crate) mod hangup;
mod messages;
mod meters;
mod numbers;
mod otlp;
mod output;
mod shape;
mod watchdog;
pub(crate) mod wire;

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use shared::{
    client::TraceMiddleware,
    serve::{Limits, ServeError, bind, serve},
    task::{self, Task},
};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) use self::{
    calls::{answered, asked, call, clients, get_span},
    child::{Child, command, in_child, in_shell, role},
    connection::{Answer, Connection, get, served},
    gate::Gate,
    messages::Messages,
    meters::{Meters, Points},
    numbers::Numbers,
    output::Output,
    shape::{
        Attributes, Shape, assert_between, attributes, error, request_attributes, server, shape,
    },
    watchdog::Watchdog,
};

/// Waits for a future with a time limit that only a failing test reaches.
pub(crate) async fn patience<F: Future>(future: F) -> F::Output {
    let limit = Duration::from_mins(1);
    let Ok(output) = tokio::time::timeout(limit, future).await else {
        panic!("timed out after {limit:?}");
    };
    output
}

/// A running service. It stops on drop.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    _stop_with_this: DropGuard,
    running: Task<Result<(), ServeError>>,
}

/// Serves a router on an unused port.
pub(crate) async fn start(router: Router) -> Service {
    start_within(Limits::default(), router).await
}

/// Like [`start`], but with explicit limits.
pub(crate) async fn start_within(limits: Limits, router: Router) -> Service {
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let running = task::spawn(serve(listener, router, limits, shutdown.clone()));
    Service {
        address,
        stop: shutdown.clone(),
        _stop_with_this: shutdown.drop_guard(),
        running,
    }
}

/// Like [`start`], but with a server that accepts requests that `shared::serve` rejects.
pub(crate) async fn start_lenient(router: Router) -> Service {
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let server =
        axum::serve(listener, router).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let running = task::spawn(async { server.await.map_err(ServeError::Listener) });
    Service {
        address,
        stop: shutdown.clone(),
        _stop_with_this: shutdown.drop_guard(),
        running,
    }
}

impl Service {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Starts the shutdown of the service, as a signal would.
    pub(crate) fn tell_to_stop(&self) {
        self.stop.cancel();
    }

    /// Stops the service and waits until all of its connections are closed.
    pub(crate) async fn shut_down(self) {
        self.tell_to_stop();
        self.running.await.unwrap().unwrap();
    }
}

/// A caller with its own root span, so that a test finds its trace among those of concurrent tests.
pub(crate) struct Caller {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
}

impl Caller {
    pub(crate) fn new() -> Self {
        static CALLERS: AtomicU64 = AtomicU64::new(1);
        let id = CALLERS.fetch_add(1, Ordering::Relaxed);
        Self {
            trace_id: format!("{:032x}", (0x00ca_11e4_u128 << 64) | u128::from(id)),
            span_id: format!("{id:016x}"),
        }
    }

    pub(crate) fn traceparent(&self) -> String {
        format!("00-{}-{}-01", self.trace_id, self.span_id)
    }
}

/// Creates a client that records each attempt as a span. The client ignores the proxy settings of the machine.
pub(crate) fn client(middleware: TraceMiddleware) -> ClientWithMiddleware {
    ClientBuilder::new(bare_client()).with(middleware).build()
}

pub(crate) fn bare_client() -> reqwest::Client {
    client_builder().build().unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the middleware wraps this client"
)]
pub(crate) fn client_builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy()
}

/// The sending side of a body whose parts the test sends.
pub(crate) type Parts = mpsc::UnboundedSender<Result<Bytes, std::io::Error>>;

/// Creates a body whose parts the test sends one by one.
pub(crate) fn parts() -> (Parts, Body) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let parts = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
    (sender, Body::from_stream(parts))
}
