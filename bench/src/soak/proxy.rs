//! [`Proxy`]: an HTTP proxy that answers 403 to every request.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::http::StatusCode;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Refuses every request until dropped.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    _server: JoinSet<()>,
}

impl Proxy {
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = Router::new().fallback(async || StatusCode::FORBIDDEN);
        let mut server = JoinSet::new();
        server.spawn(async move {
            // The future of `serve` ends only when it is dropped.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            address,
            _server: server,
        })
    }
}
