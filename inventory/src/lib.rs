//! The `inventory` service: the stock and its reservations.
//!
//! # Layout
//!
//! A request passes these files in this order:
//!
//! - `routes`: HTTP requests and responses, and the layers around them.
//! - `order`: the values of a request, validated on construction.
//! - `stock`: the domain. Each query has its own span.
//! - `database`: the connection pool, the schema (`sql/`) and the catalogue.
//! - `error`: maps errors to answers.
//!
//! `config` is read once, at startup.

mod config;
mod database;
mod error;
mod order;
mod routes;
mod stock;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use shared::config::ConfigError;
use shared::serve::ServeError;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::{Config, DEFAULT_LISTEN_ADDR};
pub use database::{DatabaseUrl, DatabaseUrlError, OpenError};

use stock::Stock;

/// Time limit for closing the database at shutdown. All changes are already committed.
const CLOSE: Duration = Duration::from_secs(2);

/// The reason why the service did not start, or stopped without a signal.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `DATABASE_URL` is invalid.
    #[error(transparent)]
    DatabaseUrl(#[from] DatabaseUrlError),
    /// The database could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
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
/// The database cannot be opened or prepared, or the listener fails.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let stock = Arc::new(Stock::open(&config).await?);
    let router = routes::router(&stock, &config.limits);
    let served = shared::serve::serve(listener, router, config.limits, shutdown).await;
    if tokio::time::timeout(CLOSE, stock.close()).await.is_err() {
        tracing::warn!("database did not close in time");
    }
    Ok(served?)
}
