//! [`Watchdog`]: a process that does not end in time is ended, so that the test that waits for it fails and does not hang.

use std::{
    process::Command,
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

/// Ends the process, unless this is dropped before.
pub(crate) struct Watchdog {
    _until_dropped: Sender<()>,
}

impl Watchdog {
    /// Watches the process `pid`, which has not been waited for.
    pub(crate) fn over(pid: u32, limit: Duration) -> Self {
        let (sender, dropped) = mpsc::channel::<()>();
        let watch = move || {
            if dropped.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                let _ = Command::new("kill")
                    .args(["-KILL", &pid.to_string()])
                    .status();
            }
        };
        #[expect(clippy::disallowed_methods, reason = "it has no trace to keep")]
        drop(thread::spawn(watch));
        Self {
            _until_dropped: sender,
        }
    }
}
