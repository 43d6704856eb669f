//! The services' log lines during the tour, stored until the tour shows their request.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use viewer::LogLine;

use crate::logs::{human, print};
use crate::terminal::Screen;
use crate::verbosity::Verbosity;

/// Collects the log lines of both services. Lines of a request are stored until the tour shows the request; other lines
/// are printed immediately.
#[derive(Debug)]
pub struct Journal {
    pub(super) verbosity: Verbosity,
    lines: Mutex<Vec<LogLine>>,
    changed: watch::Sender<()>,
}

impl Journal {
    /// Creates an empty journal that shows log lines of this verbosity.
    pub fn new(verbosity: Verbosity) -> Self {
        Self {
            verbosity,
            lines: Mutex::default(),
            changed: watch::Sender::default(),
        }
    }

    /// Stores the line if it has a trace id, or else prints it.
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

    /// Waits until each of these services has logged a line with this trace id.
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

    /// Removes and returns the lines with this trace id, ordered by timestamp. The timestamps of the services are
    /// comparable, since both use the clock of this machine.
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
