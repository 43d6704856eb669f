//! The services' log lines during the tour, stored until their request is shown.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use viewer::LogLine;

use crate::logs::{human, print};
use crate::terminal::Screen;
use crate::verbosity::Verbosity;

/// The log lines of both services. Lines of a request are stored until it is shown; others are printed immediately.
#[derive(Debug)]
pub struct Journal {
    pub(super) verbosity: Verbosity,
    lines: Mutex<Vec<LogLine>>,
    changed: watch::Sender<()>,
}

impl Journal {
    /// Creates an empty journal that shows lines of this verbosity.
    pub fn new(verbosity: Verbosity) -> Self {
        Self {
            verbosity,
            lines: Mutex::default(),
            changed: watch::Sender::default(),
        }
    }

    /// Stores or prints a line.
    pub fn push(&self, line: LogLine) {
        if line.trace_id().is_none() {
            if self.verbosity.shows(&line) {
                print(&human(&line, Screen::stdout()));
            }
            return;
        }
        self.lines().push(line);
        self.changed.send_replace(());
    }

    /// Waits until each of these services has written a line with this trace id.
    pub(super) async fn wait_for(&self, id: &str, services: &[&str]) {
        let mut changed = self.changed.subscribe();
        loop {
            let missing = |service: &&str| {
                let wrote =
                    |line: &LogLine| line.service == *service && line.trace_id() == Some(id);
                !self.lines().iter().any(wrote)
            };
            if !services.iter().any(missing) {
                return;
            }
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Removes and returns the lines with this trace id, ordered by timestamp. Both services share one clock.
    pub(super) fn take(&self, id: &str) -> Vec<LogLine> {
        let mut lines = self.lines();
        let mut taken: Vec<_> = lines
            .extract_if(.., |line| line.trace_id() == Some(id))
            .collect();
        taken.sort_by_key(|line| line.text("timestamp").map(str::to_owned));
        taken
    }

    fn lines(&self) -> MutexGuard<'_, Vec<LogLine>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
