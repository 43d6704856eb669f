//! SIGINT and SIGTERM: the first tells the service to stop, the second ends the process.

use tokio_util::sync::CancellationToken;

use crate::telemetry;

/// Cancels `shutdown` at the first signal and exits at the second.
///
/// They are listened for from the call on, and not from the first poll: one that comes in between would end the process
/// as if nobody had ever listened.
pub(super) fn heed(shutdown: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
    let signals = Signals::listen();
    async move {
        let Ok(mut signals) = signals else {
            tracing::warn!("cannot listen for signals: only a kill will stop this process");
            return;
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = signals.next() => {}
        }
        tracing::info!("told to stop; a second signal ends the process at once");
        shutdown.cancel();
        signals.next().await;
        telemetry::flush_log();
        #[expect(
            clippy::disallowed_methods,
            reason = "whoever asks twice does not want to wait for the last spans"
        )]
        std::process::exit(130);
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "the same shape as on Unix")]
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
