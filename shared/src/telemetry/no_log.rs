//! No log: events go to whatever layers others have.

use tracing_subscriber::{Layer, Registry, layer::Identity};

use crate::config::{ConfigError, Lookup};

pub(super) struct Logs;

#[expect(
    clippy::unnecessary_wraps,
    reason = "the same shape as with the cargo feature"
)]
pub(super) fn read(_: Lookup<'_>) -> Result<Logs, ConfigError> {
    Ok(Logs)
}

pub(super) fn layer(_: Logs, _: String) -> impl Layer<Registry> + Send + Sync {
    Identity::new()
}
