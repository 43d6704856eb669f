//! SIGINT, SIGTERM and SIGHUP: the first signal shuts the service down gracefully, a second SIGINT or SIGTERM ends the process.
//!
//! SIGHUP arrives when the terminal closes. The shell and the operating system may both send SIGHUP, so it never counts
//! as the second signal. SIGQUIT keeps its default action, a core dump, which helps to analyze a process that hangs.

use tokio_util::sync::CancellationToken;

#[cfg(feature = "logs")]
use crate::telemetry;

/// Cancels `shutdown` at the first signal and exits the process at the second.
///
/// The signal handlers are installed when this function is called, not when the future is first polled: a signal in
/// between would end the process.
pub(super) fn cancel_on_signal(
    shutdown: CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    let signals = Signals::listen();
    async move {
        let Ok(mut signals) = signals else {
            tracing::warn!("cannot listen for signals, only SIGKILL ends this process");
            return;
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = signals.first() => {}
        }
        tracing::info!("shutting down, a second signal ends the process at once");
        shutdown.cancel();
        signals.second().await;
        #[cfg(feature = "logs")]
        telemetry::close_log();
        #[expect(
            clippy::disallowed_methods,
            reason = "a second signal asks not to wait for the last spans"
        )]
        std::process::exit(130);
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: hangup()?,
        })
    }

    async fn first(&mut self) {
        let hung_up = async {
            match &mut self.hangup {
                Some(hangup) => drop(hangup.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = hung_up => {}
        }
    }

    async fn second(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Listens for SIGHUP, unless the process was started with SIGHUP ignored, as `nohup` does: a handler would undo that.
/// The ignored signals are only known on Linux; on other systems, this function always listens.
///
/// # Errors
///
/// Fails if the handler cannot be installed.
#[cfg(unix)]
pub fn hangup() -> std::io::Result<Option<tokio::signal::unix::Signal>> {
    use tokio::signal::unix::{SignalKind, signal};
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if ignores_hangup(&status) {
        return Ok(None);
    }
    signal(SignalKind::hangup()).map(Some)
}

/// Returns whether the mask of ignored signals in `/proc/self/status` includes SIGHUP, which is signal 1.
#[cfg(unix)]
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "the same shape as on Unix")]
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn first(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }

    async fn second(&mut self) {
        self.first().await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::ignores_hangup;

    #[test]
    fn ignored_hangup_is_read_from_its_mask() {
        for (mask, ignored) in [
            ("0000000000000001", true),
            ("0000000000001001", true),
            ("0000000000001000", false),
            ("0000000000000000", false),
            ("nonsense", false),
        ] {
            let status = format!("Name:\tcheckout\nSigBlk:\tf\nSigIgn:\t{mask}\nSigCgt:\t1\n");
            assert_eq!(ignores_hangup(&status), ignored, "{mask}");
        }
        assert!(!ignores_hangup(""));
    }
}
