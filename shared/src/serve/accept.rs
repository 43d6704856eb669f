//! [`serve`]: accepts connections until shutdown begins, then drains them.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use axum::Router;
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{DRAIN_TIMEOUT, Limits, ServeError, Shutdown, connection, listener::Listener};

/// How long to wait until connections close after they are cut off.
const CUT_OFF_TIMEOUT: Duration = Duration::from_secs(1);

/// Minimum time between two log lines about the reached connection limit.
const FULL_REMINDER: Duration = Duration::from_mins(1);

/// Serves HTTP/1.1 until `shutdown` is cancelled, then waits at most [`DRAIN_TIMEOUT`] for requests in flight.
///
/// Once `shutdown` is cancelled, `/readyz` answers 503, and new connections are accepted for another
/// [`Limits::shutdown_delay`]. When [`DRAIN_TIMEOUT`] has passed, the remaining requests are cut off, and their spans
/// end with `error.type` `shutdown`. Upgraded connections, such as those of a `WebSocket`, are drained and cut off like
/// other connections; their handlers are notified through [`Shutdown`]. Requests carry their peer's address as
/// [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo). This function enforces the connection limits of `limits`;
/// [`Limits::apply`] enforces the request limits.
///
/// # Errors
///
/// Fails if the listener's local address cannot be read.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    tracing::info!(%address, "listening");
    let (draining, cut_off) = (CancellationToken::new(), CancellationToken::new());
    let mut listener = Listener::new(listener);
    let mut connections = JoinSet::new();
    let mut full = Full::default();
    let mut stop = pin!(stop(&shutdown, limits.shutdown_delay));
    loop {
        let has_room = connections.len() < limits.connections;
        if !has_room {
            full.warn(limits.connections);
        }
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => listener.retry_now(),
            (stream, peer) = listener.accept(), if has_room => {
                let requests = connection::Requests {
                    router: router.clone(),
                    peer,
                    shutdown: Shutdown {
                        requested: shutdown.clone(),
                        draining: draining.clone(),
                    },
                    cut_off: cut_off.clone(),
                };
                let connection = connection::serve(stream, requests, limits);
                #[expect(clippy::disallowed_methods, reason = "a connection has no trace, its requests have")]
                connections.spawn(connection);
            }
        }
    }
    drop(listener);
    draining.cancel();
    tracing::info!(connections = connections.len(), "draining");
    if timeout(DRAIN_TIMEOUT, ended(&mut connections))
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connections.len(),
            "requests not finished in time, cutting off connections"
        );
        cut_off.cancel();
        // A connection whose handler blocks its thread does not close; the timeout limits the wait for it.
        let _ = timeout(CUT_OFF_TIMEOUT, ended(&mut connections)).await;
    }
    Ok(())
}

async fn stop(shutdown: &CancellationToken, delay: Duration) {
    shutdown.cancelled().await;
    if !delay.is_zero() {
        let delay_s = delay.as_secs_f64();
        tracing::info!(delay_s, "not ready, still accepting connections");
        sleep(delay).await;
    }
}

async fn ended(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

/// Logs that the connection limit is reached, at most once per [`FULL_REMINDER`].
#[derive(Default)]
struct Full {
    logged_at: Option<Instant>,
}

impl Full {
    fn warn(&mut self, connections: usize) {
        if self
            .logged_at
            .is_none_or(|at| at.elapsed() >= FULL_REMINDER)
        {
            self.logged_at = Some(Instant::now());
            tracing::warn!(
                connections,
                "MAX_CONNECTIONS reached, accepting no more connections until one ends"
            );
        }
    }
}
