//! [`Watchdog`]: kills a process that hangs, so that the test waiting for it fails instead of hanging.

use std::{
    process::Command,
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

/// Kills a process after a time limit, unless the watchdog is dropped before.
pub(crate) struct Watchdog {
    _until_dropped: Sender<()>,
}

impl Watchdog {
    /// Watches the process `pid`, which must not have been reaped yet.
    pub(crate) fn over(pid: u32, limit: Duration) -> Self {
        let (sender, dropped) = mpsc::channel::<()>();
        let watch = move || {
            if dropped.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                let _ = Command::new("kill")
                    .args(["-KILL", &pid.to_string()])
                    .status();
            }
        };
        #[expect(clippy::disallowed_methods, reason = "it has no trace")]
        drop(thread::spawn(watch));
        Self {
            _until_dropped: sender,
        }
    }
}
