//! [`Shutdown`]: notifies long-running handlers of the shutdown.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use tokio_util::sync::CancellationToken;

/// The shutdown of the service, as an argument of a handler: for `WebSocket` connections, event streams and long polls.
///
/// The shutdown begins when [`serve`](super::serve) stops accepting connections, which is
/// [`shutdown_delay`](super::Limits::shutdown_delay) after the signal. From then on, requests and upgraded connections
/// have [`DRAIN_TIMEOUT`](super::DRAIN_TIMEOUT) to end. Then they are cut off: reads and writes of an upgraded
/// connection fail.
///
/// ```
/// use shared::serve::Shutdown;
/// use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
///
/// async fn converse(mut socket: impl AsyncRead + tokio::io::AsyncWrite + Unpin, shutdown: Shutdown) -> std::io::Result<()> {
///     let mut received = [0; 1024];
///     loop {
///         tokio::select! {
///             count = socket.read(&mut received) => match count? {
///                 0 => return Ok(()),
///                 count => socket.write_all(&received[..count]).await?,
///             },
///             () = shutdown.begun() => return socket.write_all(b"goodbye").await,
///         }
///     }
/// }
/// ```
///
/// Outside of [`serve`](super::serve), as in a test that calls the router directly, the shutdown never begins.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Cancelled when shutdown is requested, for example by a signal.
    pub(super) requested: CancellationToken,
    /// Cancelled when the service stops accepting connections.
    pub(super) draining: CancellationToken,
}

impl Shutdown {
    /// Waits until the shutdown begins.
    pub async fn begun(&self) {
        self.draining.cancelled().await;
    }

    /// Returns whether the shutdown has begun.
    pub fn has_begun(&self) -> bool {
        self.draining.is_cancelled()
    }
}

impl<S: Sync> FromRequestParts<S> for Shutdown {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}
