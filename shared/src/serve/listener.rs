//! [`Listener`]: accepts connections, and retries while the process has no free file descriptor.

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep_until},
};

/// How long to wait after a failure before accepting again, unless a connection ends before that.
const RETRY: Duration = Duration::from_secs(1);

/// Minimum time between two log lines about the same outage.
const REMINDER: Duration = Duration::from_mins(1);

/// An outage is over when accepting has not failed for this time. Near the limit of file descriptors, successes and
/// failures alternate.
const RECOVERED: Duration = Duration::from_secs(5);

/// A listening socket, and the state of its current outage.
pub(super) struct Listener {
    socket: TcpListener,
    outage: Option<Outage>,
    /// When to accept again after a failure.
    retry_at: Option<Instant>,
}

/// A period in which accepting connections fails, for example because the process has no free file descriptor.
struct Outage {
    began: Instant,
    last_failure: Instant,
    logged: Instant,
    failures: u64,
}

impl Listener {
    pub(super) fn new(socket: TcpListener) -> Self {
        Self {
            socket,
            outage: None,
            retry_at: None,
        }
    }

    /// Waits for the next connection. Cancel safe: a cancelled call loses no connection, and the next call does not
    /// restart the wait after a failure.
    pub(super) async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            if let Some(retry_at) = self.retry_at {
                sleep_until(retry_at).await;
                self.retry_at = None;
            }
            let accepted = if let Some(outage) = &self.outage {
                let recovered_at = outage.last_failure + RECOVERED;
                tokio::select! {
                    biased;
                    () = sleep_until(recovered_at) => {
                        self.recovered();
                        continue;
                    }
                    accepted = self.socket.accept() => accepted,
                }
            } else {
                self.socket.accept().await
            };
            match accepted {
                Ok(accepted) => return accepted,
                Err(error) if is_of_the_client(error.kind()) => {}
                Err(error) => self.failed(&error),
            }
        }
    }

    /// Ends the wait after a failure, because the end of a connection may have freed a file descriptor.
    pub(super) fn retry_now(&mut self) {
        self.retry_at = None;
    }

    fn failed(&mut self, error: &std::io::Error) {
        let now = Instant::now();
        self.retry_at = Some(now + RETRY);
        match &mut self.outage {
            None => {
                tracing::error!(%error, "cannot accept connections, retrying every second");
                self.outage = Some(Outage {
                    began: now,
                    last_failure: now,
                    logged: now,
                    failures: 1,
                });
            }
            Some(outage) => {
                outage.last_failure = now;
                outage.failures += 1;
                if now - outage.logged >= REMINDER {
                    outage.logged = now;
                    let (failures, lasted_s) = (outage.failures, (now - outage.began).as_secs());
                    tracing::error!(%error, failures, lasted_s, "still cannot accept connections");
                }
            }
        }
    }

    fn recovered(&mut self) {
        if let Some(outage) = self.outage.take() {
            let lasted_s = (outage.last_failure - outage.began).as_secs();
            let failures = outage.failures;
            tracing::info!(failures, lasted_s, "accepting connections again");
        }
    }
}

/// Returns whether accepting failed because the client had already given up its connection.
fn is_of_the_client(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn lasting_outage_is_logged_every_minute() {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut listener = Listener::new(socket);
        let error = std::io::Error::other("no file descriptor left");
        let began = Instant::now();
        let mut logged = Vec::new();
        for _ in 0..150 {
            listener.failed(&error);
            logged.push((listener.outage.as_ref().unwrap().logged - began).as_secs());
            tokio::time::advance(RETRY).await;
        }
        logged.dedup();
        assert_eq!(logged, [0, 60, 120]);
    }
}
