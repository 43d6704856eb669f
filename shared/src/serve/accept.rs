//! [`serve`]: connections are taken until the service is told to stop, then they drain.

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

use super::{DRAIN, Limits, ServeError, Shutdown, connection, listener::Listener};

/// How long connections that were cut off may take to be gone.
const CUT: Duration = Duration::from_secs(1);

/// How often the log says that no more connections are taken.
const FULL_AGAIN: Duration = Duration::from_mins(1);

/// Serves HTTP/1.1 until `shutdown` is cancelled, then lets the requests under way end, for at most [`DRAIN`].
///
/// From the cancellation on `/readyz` says no; new connections are taken for another [`Limits::shutdown_delay`]. What is
/// not done when the drain is over is cut off, and its spans end with `error.type` `shutdown`. Upgraded connections, such
/// as those of a `WebSocket`, count like any other; their handlers learn of the drain from [`Shutdown`]. Requests carry their peer's
/// address as [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo). Of `limits` those of connections hold here;
/// [`Limits::around`] makes those of requests hold.
///
/// # Errors
///
/// When the listener has no address.
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
    if timeout(DRAIN, ended(&mut connections)).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "not drained in time, cutting off"
        );
        cut_off.cancel();
        // One that blocks its thread is left behind.
        let _ = timeout(CUT, ended(&mut connections)).await;
    }
    Ok(())
}

async fn stop(shutdown: &CancellationToken, delay: Duration) {
    shutdown.cancelled().await;
    if !delay.is_zero() {
        let delay_s = delay.as_secs_f64();
        tracing::info!(delay_s, "no longer ready, still taking connections");
        sleep(delay).await;
    }
}

async fn ended(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

/// Logs that no more connections are accepted, at most once in [`FULL_AGAIN`].
#[derive(Default)]
struct Full {
    said: Option<Instant>,
}

impl Full {
    fn warn(&mut self, connections: usize) {
        if self.said.is_none_or(|said| said.elapsed() >= FULL_AGAIN) {
            self.said = Some(Instant::now());
            tracing::warn!(
                connections,
                "no more connections are taken until one ends; MAX_CONNECTIONS is the limit"
            );
        }
    }
}
