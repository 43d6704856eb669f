//! [`Load`]: sends sequential requests on each of several connections.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Request, StatusCode,
    client::conn::http1::{SendRequest, handshake},
    header::HOST,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet, time::timeout};

/// Time limit of a request. A slower request is an error.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

type Connection = SendRequest<Empty<Bytes>>;

pub(super) struct Load {
    address: SocketAddr,
    connections: Vec<Connection>,
}

/// The number of answered requests, and the elapsed time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered {
    pub(super) requests: u64,
    pub(super) took: Duration,
}

impl Load {
    pub(super) async fn open(address: SocketAddr, connections: u16) -> anyhow::Result<Self> {
        let mut load = Self {
            address,
            connections: Vec::new(),
        };
        for _ in 0..connections {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            // The connection task ends when `sender` is dropped. Errors of the connection are returned by `sender`.
            tokio::spawn(connection);
            load.connections.push(sender);
        }
        Ok(load)
    }

    /// Sends requests on every connection for this duration, then waits for the last responses.
    pub(super) async fn run(&mut self, lasts: Duration) -> anyhow::Result<Answered> {
        let begin = Instant::now();
        let mut tasks = JoinSet::new();
        for connection in self.connections.drain(..) {
            tasks.spawn(ask(connection, self.address, begin + lasts));
        }
        let mut requests = 0;
        while let Some(task) = tasks.join_next().await {
            let (connection, answered) = task??;
            self.connections.push(connection);
            requests += answered;
        }
        Ok(Answered {
            requests,
            took: begin.elapsed(),
        })
    }
}

async fn ask(
    mut connection: Connection,
    address: SocketAddr,
    until: Instant,
) -> anyhow::Result<(Connection, u64)> {
    let mut answered = 0;
    while Instant::now() < until {
        let request = Request::get("/orders/item-123")
            .header(HOST, address.to_string())
            .body(Empty::new())?;
        let answer = async {
            let response = connection.send_request(request).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            ensure!(
                status == StatusCode::OK && body == "item-123: in stock\n",
                "A answered {status}: {body:?}"
            );
            Ok(())
        };
        timeout(REQUEST_TIMEOUT, answer)
            .await
            .context("A does not answer")??;
        answered += 1;
    }
    Ok((connection, answered))
}
