//! One connection: its requests go to the router, until it is closed or the service is told to stop.

use std::{
    convert::Infallible,
    net::SocketAddr,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use crate::{error::chain, server::CutOff};

/// How long a client may take to send the head of a request. Also ends idle connections.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Where the requests of a connection go, and what they carry besides what was sent.
#[derive(Clone)]
pub(super) struct Requests {
    pub(super) router: Router,
    pub(super) peer: SocketAddr,
    pub(super) cut_off: CancellationToken,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = <Router as Service<Request<Incoming>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Incoming>>::poll_ready(&mut self.router, cx)
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request
            .extensions_mut()
            .insert(CutOff(self.cut_off.clone()));
        self.router.call(request)
    }
}

pub(super) async fn serve(stream: TcpStream, requests: Requests, shutdown: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection is slower than it could be");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(requests))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        // A client that goes away is its own affair; the span of its request says so.
        tracing::debug!(error = chain(&error), "the connection ended early");
    }
}

/// What `accept` fails with is either gone with its client or lasts, as when the process has no file descriptor left.
pub(super) async fn not_accepted(error: std::io::Error) {
    use std::io::ErrorKind;
    if !matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    ) {
        tracing::error!(%error, "cannot accept connections, trying again in a second");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
