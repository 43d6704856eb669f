//! The `checkout` service: takes an order, asks `inventory` for the stock, charges, sends a receipt.
//!
//! # Layout
//!
//! A request passes these files in this order:
//!
//! - `routes`: HTTP in, HTTP out, and the layers around it.
//! - `order`: the domain. The rules for an order, and the steps of placing one.
//! - `inventory`: the client of the inventory service, and its errors.
//! - `retry`: which failed calls are retried.
//! - `receipt`: the task that continues after the answer is sent.
//! - `release`: the task that undoes a reservation whose outcome is unknown.
//! - `error`: maps errors to answers.
//!
//! `config` is read once, at start. With `DEMO_ROUTES=true`, `page` is for trying it out in a browser with the requests of
//! [`catalogue`], `pitfalls` shows how a trace breaks, and the same code when it does not, and `browser` keeps other web pages out.

mod browser;
pub mod catalogue;
mod config;
mod error;
mod inventory;
mod order;
mod page;
mod pitfalls;
mod receipt;
mod release;
mod retry;
mod routes;

use std::process::ExitCode;

use shared::config::ConfigError;
use shared::serve::ServeError;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::{BaseUrl, BaseUrlError, Config, DEFAULT_LISTEN_ADDR};
pub use pitfalls::{pitfall_names, unflushed_exit};

use inventory::Inventory;

/// Why the service did not start, or stopped unasked.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The HTTP client cannot be built.
    #[error("the client for inventory cannot be built")]
    Client(#[source] reqwest::Error),
    /// The address cannot be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// The whole process, from settings to exit status.
pub fn main() -> ExitCode {
    shared::serve::main(shared::service!(), async |lookup, shutdown| {
        let config = Config::read(lookup)?;
        let listener = shared::serve::bind(config.listen_addr).await?;
        run(config, listener, shutdown).await
    })
}

/// Serves `listener` until `shutdown` is cancelled and the requests in flight are answered.
///
/// # Errors
///
/// The client for inventory cannot be built, or the listener fails.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let inventory = Inventory::new(&config).map_err(StartError::Client)?;
    let router = routes::router(inventory, &config);
    Ok(shared::serve::serve(listener, router, config.limits, shutdown).await?)
}
