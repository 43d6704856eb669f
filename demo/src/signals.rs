//! The signals of Ctrl-C, `kill` and a closed terminal.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

/// Signals within this time of each other count as one. If another program starts the demo, each signal often arrives
/// twice: from the terminal and from that program.
const ONE_SIGNAL: Duration = Duration::from_millis(100);

/// The signals that ask the demo to stop.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
    last: Option<Instant>,
}

impl Signals {
    /// Installs handlers, so that the signals no longer end the process. A SIGHUP that `nohup` ignores stays ignored.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system rejects the handlers.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: shared::serve::hangup()?,
            last: None,
        })
    }

    /// Waits for the next signal. A signal within 100 ms of another one is ignored. A SIGHUP after any other signal is
    /// ignored too, since a shell and the system both send one when a terminal closes.
    pub async fn received(&mut self) {
        loop {
            let is_first = self.last.is_none();
            let counts = tokio::select! {
                _ = self.interrupt.recv() => true,
                _ = self.terminate.recv() => true,
                () = hung_up(&mut self.hangup) => is_first,
            };
            if !counts {
                continue;
            }
            let now = Instant::now();
            let last = self.last.replace(now);
            if last.is_none_or(|last| now - last >= ONE_SIGNAL) {
                return;
            }
        }
    }
}

async fn hung_up(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => std::future::pending().await,
    }
}
