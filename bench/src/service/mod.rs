//! The two services: `GET /orders/{id}` of A calls `GET /stock/{id}` of B. They have no database and do no work, so the cost
//! is that of HTTP and tracing. Each variant is a file that sets up telemetry and wraps the router and the client.

mod by_hand;
mod cost;
#[cfg(feature = "peers")]
mod fastrace;
mod ours;
#[cfg(feature = "peers")]
mod published;
mod untraced;

use std::{future::Future, net::SocketAddr};

use anyhow::Context as _;
use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use tokio::net::TcpListener;

use crate::{
    control::{self, MEASURE, Message},
    variant::{Stack, Variant},
};

/// Selects one of the two services.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    /// The address of B, or `None` if this service is B.
    pub(crate) calls: Option<SocketAddr>,
}

/// The parts of a variant that the handlers use.
trait Handlers: Clone + Send + Sync + 'static {
    /// Sends a request to B.
    fn call(&self, url: &str) -> impl Future<Output = anyhow::Result<String>> + Send;

    /// Called after each request. Writes a log line in variants whose layer does not write one.
    fn served(&self) {}
}

pub(crate) fn run(
    variant: Variant,
    service: Service,
    count_allocations: bool,
) -> anyhow::Result<()> {
    let cost = cost::Meter::new(count_allocations);
    // As many worker threads as cores, like `#[tokio::main]`.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let end = control::on_command({
            let cost = cost.clone();
            move |command| {
                if command == MEASURE {
                    cost.start();
                    let _ = Message::Measuring.send();
                }
            }
        });
        let run = Run { service, end };
        match variant.stack() {
            Stack::Untraced => untraced::run(run).await,
            Stack::Ours => ours::run(run).await,
            Stack::ByHand => by_hand::run(run).await,
            #[cfg(feature = "peers")]
            Stack::Published(published) => published::run(run, published).await,
            #[cfg(feature = "peers")]
            Stack::Fastrace => fastrace::run(run).await,
        }
    })?;
    Message::Ended(cost.read()?).send()
}

/// A service, and the signal to stop it.
struct Run {
    service: Service,
    end: tokio::sync::oneshot::Receiver<()>,
}

impl Run {
    fn name(&self) -> &'static str {
        if self.service.calls.is_some() {
            "a"
        } else {
            "b"
        }
    }

    /// Returns the routes, without layers.
    fn router<H: Handlers>(&self, handlers: H) -> Router {
        match self.service.calls {
            Some(b) => Router::new()
                .route("/orders/{id}", get(order::<H>))
                .with_state((handlers, b)),
            None => Router::new()
                .route("/stock/{id}", get(stock::<H>))
                .with_state(handlers),
        }
    }

    /// Serves requests without recording the clients' addresses.
    async fn serve(self, router: Router) -> anyhow::Result<()> {
        let listener = listener().await?;
        let serve = axum::serve(listener, router).with_graceful_shutdown(ended(self.end));
        Ok(serve.await?)
    }

    /// Serves requests with the clients' addresses as extensions, for variants that record them.
    async fn serve_with_peers(self, router: Router) -> anyhow::Result<()> {
        let listener = listener().await?;
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serve = axum::serve(listener, service).with_graceful_shutdown(ended(self.end));
        Ok(serve.await?)
    }
}

async fn listener() -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    Message::Listening { address }.send()?;
    Ok(listener)
}

async fn ended(end: tokio::sync::oneshot::Receiver<()>) {
    // An error means that the thread that reads commands is gone, which also stops the service.
    let _ = end.await;
}

async fn order<H: Handlers>(
    State((handlers, b)): State<(H, SocketAddr)>,
    Path(id): Path<String>,
) -> Result<String, StatusCode> {
    let stock = handlers
        .call(&format!("http://{b}/stock/{id}"))
        .await
        .with_context(|| format!("cannot get the stock of {id}"));
    handlers.served();
    stock.map_err(|error| {
        eprintln!("{error:#}");
        StatusCode::BAD_GATEWAY
    })
}

async fn stock<H: Handlers>(State(handlers): State<H>, Path(id): Path<String>) -> String {
    handlers.served();
    format!("{id}: in stock\n")
}
