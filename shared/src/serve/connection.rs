//! Serves one connection: passes its requests to the router until the connection is closed or shutdown begins.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, body::Body, extract::ConnectInfo, response::IntoResponse as _};
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn, upgrade::OnUpgrade};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

use super::{Limits, head, shutdown::Shutdown, stream::Stream};
use crate::{error::chain, server::CutOff};

/// Maximum bytes of a request head, and of the read buffer of a connection. A larger head is answered with status 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Passes the requests of a connection to the router, with the extensions that handlers and layers need.
#[derive(Clone)]
pub(super) struct Requests {
    pub(super) router: Router,
    pub(super) peer: SocketAddr,
    pub(super) shutdown: Shutdown,
    pub(super) cut_off: CancellationToken,
}

impl Requests {
    fn call(
        &self,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<> {
        let checked = head::check(&mut request);
        let extensions = request.extensions_mut();
        extensions.insert(ConnectInfo(self.peer));
        extensions.insert(self.shutdown.clone());
        extensions.insert(CutOff(self.cut_off.clone()));
        let mut router = self.router.clone();
        async move {
            match checked {
                Ok(()) => router.call(request).await,
                Err(problem) => Ok(problem.into_response()),
            }
        }
    }
}

/// Serves a connection and waits until it is closed. After an upgrade, the handler that took over the connection closes
/// it.
pub(super) async fn serve(stream: TcpStream, requests: Requests, limits: Limits) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let cut_off = requests.cut_off.clone();
    let upgradable = Arc::new(AtomicBool::new(false));
    let (stream, closed) = Stream::new(
        stream,
        limits.response_write_timeout,
        cut_off.clone(),
        Arc::clone(&upgradable),
    );
    tokio::select! {
        () = serve_requests(stream, requests, limits, upgradable) => {}
        () = cut_off.cancelled() => {}
    }
    let _ = closed.await;
}

async fn serve_requests(
    stream: Stream,
    requests: Requests,
    limits: Limits,
    upgradable: Arc<AtomicBool>,
) {
    let shutdown = requests.shutdown.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        if request.extensions().get::<OnUpgrade>().is_some() {
            upgradable.store(true, Ordering::Relaxed);
        }
        requests.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.request_head_timeout)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shutdown.begun() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        // The client usually disconnected or timed out. The span of a request in flight records this.
        tracing::debug!(error = chain(&error), "connection ended early");
    }
}
