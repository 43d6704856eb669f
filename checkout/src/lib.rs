//! The `checkout` service: takes an order, checks and reserves the stock at `inventory`, charges the customer, and
//! sends a receipt.
//!
//! # Layout
//!
//! A request passes these files in this order:
//!
//! - `routes`: HTTP requests and responses, and the layers around them.
//! - `idempotency`: the key of an order that may be sent again.
//! - `order`: the domain. The rules of an order, and the steps of placing one.
//! - `inventory`: the client of the inventory service, and its errors.
//! - `retry`: which failed calls are retried.
//! - `receipt`: the task that continues after the answer is sent.
//! - `settle`: the task that undoes or finishes a reservation whose outcome is unknown.
//! - `error`: maps errors to answers.
//!
//! `config` is read once, at startup. With `DEMO_ROUTES=true`, `page` sends the requests of [`catalogue`] from a browser,
//! `pitfalls` runs code that breaks a trace and its fixed form, and `browser` rejects requests from other web pages.

mod browser;
pub mod catalogue;
mod config;
mod error;
mod idempotency;
mod inventory;
mod order;
mod page;
mod pitfalls;
mod receipt;
mod retry;
mod routes;
mod settle;

use std::process::ExitCode;

use shared::config::ConfigError;
use shared::serve::ServeError;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::{BaseUrl, BaseUrlError, Config, DEFAULT_LISTEN_ADDR};
pub use pitfalls::{pitfall_names, unflushed_exit};

use inventory::Inventory;

/// The reason why the service did not start, or stopped without a signal.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The HTTP client could not be built.
    #[error("the client for inventory cannot be built")]
    Client(#[source] reqwest::Error),
    /// The service could not listen on its address, or stopped serving with an error.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Runs the whole process, from reading the settings to the exit code.
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
