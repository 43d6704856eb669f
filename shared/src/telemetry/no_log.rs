//! Replaces `log` without the cargo feature `logs`: events go only to layers that the application adds.

use tracing::Subscriber;
use tracing_subscriber::{Layer, layer::Identity};

use crate::config::{ConfigError, Lookup};

#[derive(Debug)]
pub(super) struct Logs;

impl Logs {
    #[expect(
        clippy::unused_self,
        reason = "same signature as with the cargo feature"
    )]
    pub(super) fn warning(&self) -> Option<String> {
        None
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "same signature as with the cargo feature"
)]
pub(super) fn read(_: Lookup<'_>) -> Result<Logs, ConfigError> {
    Ok(Logs)
}

pub(super) fn layer<S: Subscriber>(_: &Logs, _: String) -> impl Layer<S> + Send + Sync + use<S> {
    Identity::new()
}

pub(super) fn bridge() {}

/// Returns true, because this crate has no lines to flush.
pub(crate) fn flush() -> bool {
    true
}

/// Does nothing.
#[cfg(feature = "serve")]
pub(crate) fn close() {}

#[derive(Debug)]
pub(crate) struct CloseOnDrop;

impl CloseOnDrop {
    pub(crate) fn new() -> Self {
        Self
    }
}
