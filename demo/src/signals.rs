//! Ctrl-C, and what `kill` sends.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

/// Whoever started the demo through another program often has it told twice: by the terminal and by that program.
const ONE_SIGNAL: Duration = Duration::from_millis(100);

/// The signals that ask the demo to stop.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    last: Option<Instant>,
}

impl Signals {
    /// From here on the signals are heard, and no longer end the process by themselves.
    ///
    /// # Errors
    ///
    /// The system does not let this process listen.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            last: None,
        })
    }

    /// Waits for the next one. What follows another within 100 ms is the same one.
    pub async fn received(&mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => (),
                _ = self.terminate.recv() => (),
            }
            let now = Instant::now();
            let last = self.last.replace(now);
            if last.is_none_or(|last| now - last >= ONE_SIGNAL) {
                return;
            }
        }
    }
}
