//! One connection: its requests go to the router, until it is closed or the service is told to stop.

use std::{
    convert::Infallible,
    net::SocketAddr,
    task::{Context, Poll},
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutWriter;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use super::{Limits, health::Stopping};
use crate::{error::chain, server::CutOff};

/// How much of a request or an answer waits in memory. A head that is larger is answered 431.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// Where the requests of a connection go, and what they carry besides what was sent.
#[derive(Clone)]
pub(super) struct Requests {
    pub(super) router: Router,
    pub(super) peer: SocketAddr,
    pub(super) stopping: CancellationToken,
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
        let extensions = request.extensions_mut();
        extensions.insert(ConnectInfo(self.peer));
        extensions.insert(Stopping(self.stopping.clone()));
        extensions.insert(CutOff(self.cut_off.clone()));
        self.router.call(request)
    }
}

pub(super) async fn serve(
    stream: TcpStream,
    requests: Requests,
    limits: Limits,
    draining: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection is slower than it could be");
    }
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(limits.response_write_timeout));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.request_head_timeout)
        .max_buf_size(MAX_BUFFER_BYTES)
        .serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(requests),
        )
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = draining.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        // A client that goes away is its own affair; the span of its request says so.
        tracing::debug!(error = chain(&error), "the connection ended early");
    }
}
