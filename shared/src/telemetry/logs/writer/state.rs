//! [`State`]: the unwritten lines and the counters of a [`Writer`](super::Writer), protected by its mutex.

use std::{
    mem,
    time::{Duration, Instant},
};

/// Maximum number of unwritten bytes of log lines.
pub(super) const CAPACITY: usize = 4 * 1024 * 1024;
/// Maximum number of errors per second that are logged synchronously: the thread that logs the error waits until its
/// line is written. Waiting takes two context switches, which cost ten times as much as the line, and many errors tend
/// to occur when resources are scarce.
const URGENT_PER_SECOND: u32 = 100;

#[derive(Default)]
pub(super) struct State {
    /// Lines that the writer's thread has not taken yet.
    pub(super) waiting: String,
    waiting_lines: u64,
    /// Number of lines that the writer's thread has taken but not written yet.
    taken_lines: u64,
    /// Number of bytes that are logged but not written, including those being written.
    unwritten: usize,
    /// Number of bytes written since the start, including the bytes of lost lines that were once accepted
    /// into the buffer.
    pub(super) written: u64,
    /// Number of successful writes. A long line takes several writes.
    pub(super) writes: u64,
    pub(super) thread: Thread,
    /// Whether a thread's wait for the output has timed out, and the output has accepted nothing since then.
    pub(super) stuck: bool,
    /// Whether the writer's thread must drop the lines that it has taken, which are already counted as lost.
    pub(super) discard: bool,
    /// Whether the log is closed, which makes every later line urgent.
    pub(super) closed: bool,
    /// Start of the current one-second interval, and the number of errors logged in it.
    urgent: Option<(Instant, u32)>,
    /// Number of lines lost since the last report.
    pub(super) lost: u64,
}

#[derive(Default, PartialEq, Eq)]
pub(super) enum Thread {
    /// The thread writes or gathers lines.
    #[default]
    Busy,
    /// The thread waits for the first line to write.
    Idle,
    /// The thread has been notified that it must write the waiting lines.
    Called,
}

impl State {
    pub(super) fn has_capacity(&self, line: &str) -> bool {
        self.unwritten == 0 || self.unwritten + line.len() <= CAPACITY
    }

    pub(super) fn push(&mut self, line: &str) {
        self.waiting.push_str(line);
        self.waiting_lines += 1;
        self.unwritten += line.len();
    }

    /// Counts an error, and returns whether the logging thread may wait until the error is written.
    pub(super) fn may_wait(&mut self, now: Instant) -> bool {
        let second = Duration::from_secs(1);
        let current = self
            .urgent
            .filter(|(start, _)| now.duration_since(*start) < second);
        let (start, count) = current.unwrap_or((now, 0));
        self.urgent = Some((start, count.saturating_add(1)));
        count < URGENT_PER_SECOND
    }

    /// Moves the waiting lines to `lines`, which must be empty.
    pub(super) fn take(&mut self, lines: &mut String) {
        mem::swap(lines, &mut self.waiting);
        self.taken_lines = mem::take(&mut self.waiting_lines);
        self.discard = false;
    }

    /// Records that the output has accepted bytes.
    pub(super) fn progress(&mut self) {
        self.writes += 1;
        self.stuck = false;
    }

    /// Records that the writer's thread has finished `lines` lines, of which every sink refused `lost`.
    pub(super) fn settle(&mut self, bytes: usize, lines: u64, lost: u64) {
        self.taken_lines -= lines.min(self.taken_lines);
        self.unwritten -= bytes;
        self.written += bytes as u64;
        self.lost += lost;
    }

    /// Discards all unwritten lines. Returns the number of lost lines, including those lost since the last
    /// report.
    pub(super) fn discard(&mut self) -> u64 {
        if self.taken_lines > 0 {
            self.discard = true;
        }
        let bytes = self.waiting.len();
        self.waiting.clear();
        self.unwritten -= bytes;
        self.written += bytes as u64;
        let lines = mem::take(&mut self.waiting_lines) + mem::take(&mut self.taken_lines);
        mem::take(&mut self.lost) + lines
    }

    /// Records that the writer's thread has dropped the rest of the lines that it had taken.
    pub(super) fn discarded(&mut self, bytes: usize) {
        self.discard = false;
        self.unwritten -= bytes;
        self.written += bytes as u64;
    }

    /// Returns the value that `written` has once all lines logged so far are written.
    pub(super) fn end(&self) -> u64 {
        self.written + self.unwritten as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_storm_waits_are_rate_limited() {
        let mut state = State::default();
        let start = Instant::now();
        let mut waits = |at: Duration| (0..200).filter(|_| state.may_wait(start + at)).count();
        assert_eq!(waits(Duration::ZERO), 100);
        assert_eq!(waits(Duration::from_millis(999)), 0);
        assert_eq!(waits(Duration::from_secs(1)), 100);
    }
}
