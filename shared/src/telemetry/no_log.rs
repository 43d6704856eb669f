//! No log: events go to whatever layers others have.

use tracing::Subscriber;
use tracing_subscriber::{Layer, layer::Identity};

use crate::config::{ConfigError, Lookup};

/// Never closed: other layers write the lines.
#[cfg(feature = "serve")]
pub(crate) fn close() {}

#[derive(Debug)]
pub(crate) struct Logs;

#[expect(
    clippy::unnecessary_wraps,
    reason = "the same shape as with the cargo feature"
)]
pub(super) fn read(_: Lookup<'_>) -> Result<Logs, ConfigError> {
    Ok(Logs)
}

pub(super) fn layer<S: Subscriber>(_: &Logs, _: String) -> impl Layer<S> + Send + Sync + use<S> {
    Identity::new()
}

pub(super) fn bridge() {}

/// Every line that there is has been written, by whoever writes it.
pub(crate) fn flush() -> bool {
    true
}

/// Never closed: other layers write the lines.
#[cfg(feature = "serve")]
pub(crate) fn close() {}

#[derive(Debug)]
pub(crate) struct CloseOnDrop;

impl CloseOnDrop {
    pub(crate) fn new() -> Self {
        Self
    }
}
