//! The two services: `GET /orders/{id}` of A asks `GET /stock/{id}` of B. No database, no work: what is left is HTTP and
//! tracing. A variant is a file each: how it sets telemetry up, what it puts around the router and around the client.

mod by_hand;
mod cost;
#[cfg(feature = "peers")]
mod fastrace;
mod ours;
#[cfg(feature = "peers")]
mod published;
mod untraced;

#[cfg(feature = "peers")]
pub(crate) use self::published::Published;
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
    control::{self, MEASURE, Said},
    variant::{Stack, Variant},
};

/// Which of the two services this is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    /// Where B is; `None` for B itself.
    pub(crate) calls: Option<SocketAddr>,
}

/// What the handlers have of a variant.
trait Handlers: Clone + Send + Sync + 'static {
    /// Asks B.
    fn call(&self, url: &str) -> impl Future<Output = anyhow::Result<String>> + Send;

    /// A request was worked on: where nothing writes a line for it, the handler does.
    fn served(&self) {}
}

pub(crate) fn run(
    variant: Variant,
    service: Service,
    count_allocations: bool,
) -> anyhow::Result<()> {
    let cost = cost::Meter::new(count_allocations);
    // The workers are as many as the machine has cores, as `#[tokio::main]` makes them.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let end = control::obey({
            let cost = cost.clone();
            move |command| {
                if command == MEASURE {
                    cost.start();
                    let _ = Said::Measuring.say();
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
    Said::Ended(cost.read()?).say()
}

/// One service, until it is told to stop.
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

    /// The routes, for a variant to put its layers around.
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

    /// Serves without the peers' addresses.
    async fn serve(self, router: Router) -> anyhow::Result<()> {
        let listener = listener().await?;
        let serve = axum::serve(listener, router).with_graceful_shutdown(ended(self.end));
        Ok(serve.await?)
    }

    /// Serves with the peers' addresses in the requests, for a variant that records them.
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
    Said::Listening { address }.say()?;
    Ok(listener)
}

async fn ended(end: tokio::sync::oneshot::Receiver<()>) {
    // Said, or the thread that would say it is gone: an end either way.
    let _ = end.await;
}

async fn order<H: Handlers>(
    State((handlers, b)): State<(H, SocketAddr)>,
    Path(id): Path<String>,
) -> Result<String, StatusCode> {
    let stock = handlers
        .call(&format!("http://{b}/stock/{id}"))
        .await
        .with_context(|| format!("cannot ask for {id}"));
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
