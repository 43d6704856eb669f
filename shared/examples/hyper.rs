//! Traces a service that uses hyper alone, without axum, with [`TraceLayer`]. The service sets two request extensions
//! that axum would provide: the peer's address, as [`PeerAddr`], and the matched [`Route`], for the span's name,
//! `http.route` and the metrics.
//!
//! Run `OTEL_TRACES_EXPORTER=console cargo run -p shared --example hyper`, then `curl localhost:3000/items/7`.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use http::{Method, Request, Response, StatusCode, Uri};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use shared::{
    server::{PeerAddr, Route, TraceLayer},
    task,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

/// Returns the route of a path. Spans are named after routes, because paths have too many different values.
fn route(method: &Method, uri: &Uri) -> Option<&'static str> {
    let id = uri.path().strip_prefix("/items/")?;
    (method == Method::GET && !id.is_empty() && !id.contains('/')).then_some("/items/{id}")
}

async fn answer(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let mut response = Response::new("in stock\n".to_owned());
    if route(request.method(), request.uri()).is_none() {
        response = Response::new("no such page\n".to_owned());
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    tracing::info!("looked up");
    Ok(response)
}

/// Serves until `stopping` is cancelled. Each connection is a task, which finishes its current request first.
///
/// # Errors
///
/// Returns an error if no more connections can be accepted.
pub async fn serve(listener: TcpListener, stopping: CancellationToken) -> std::io::Result<()> {
    let service = TraceLayer::new().layer(service_fn(answer));
    while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
        let (stream, peer) = accepted?;
        let service = service.clone();
        let stopping = stopping.clone();
        drop(task::spawn(connection(stream, peer, service, stopping)));
    }
    Ok(())
}

async fn connection<S, B>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
    stopping: CancellationToken,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
    B: http_body::Body<Error = Infallible> + 'static,
{
    let service = service.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(PeerAddr(peer));
        if let Some(route) = route(request.method(), request.uri()) {
            request.extensions_mut().insert(Route(route.into()));
        }
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    let ended = stopping.run_until_cancelled(connection.as_mut()).await;
    let result = if let Some(result) = ended {
        result
    } else {
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    if let Err(error) = result {
        tracing::debug!(%error, "the connection ended early");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = shared::telemetry::init("hyper")?;
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let stopping = CancellationToken::new();
    let stop = stopping.clone();
    drop(task::spawn(async move {
        // If the signal handler cannot be installed, the service stops, too.
        let _ = tokio::signal::ctrl_c().await;
        stop.cancel();
    }));
    serve(listener, stopping).await?;
    task::finish(Duration::from_secs(10)).await;
    telemetry.shutdown(Duration::from_secs(5)).await;
    Ok(())
}
