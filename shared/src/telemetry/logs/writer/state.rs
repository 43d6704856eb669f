//! [`State`]: unwritten lines and counters of the [`Writer`](super::Writer), behind its lock.

use std::{
    mem,
    time::{Duration, Instant},
};

/// Maximum unwritten bytes.
pub(super) const CAPACITY: usize = 4 * 1024 * 1024;
/// Maximum errors per second that are waited for. Waiting takes two context switches, ten times the
/// cost of the line, and error storms come when resources are scarce.
const URGENT_PER_SECOND: u32 = 100;

#[derive(Default)]
pub(super) struct State {
    /// Lines that the thread has not taken yet.
    pub(super) waiting: String,
    waiting_lines: u64,
    /// Lines that the thread has taken but not written yet.
    taken_lines: u64,
    /// Bytes logged but not written, including the ones being written.
    unwritten: usize,
    /// Bytes written since the start, including failed ones.
    pub(super) written: u64,
    /// Successful writes. A long line takes several.
    pub(super) writes: u64,
    pub(super) thread: Thread,
    /// A thread has waited for the output in vain.
    pub(super) stuck: bool,
    /// The thread must drop the lines that it has taken, which are counted as lost.
    pub(super) discard: bool,
    /// Every line is urgent.
    pub(super) closed: bool,
    /// Start of the current second and the errors logged in it.
    urgent: Option<(Instant, u32)>,
    /// Lines lost since the last report.
    pub(super) lost: u64,
}

#[derive(Default, PartialEq, Eq)]
pub(super) enum Thread {
    /// Writing or gathering lines.
    #[default]
    Busy,
    /// Waiting for the first line.
    Idle,
    /// Notified to stop waiting.
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

    /// Returns whether the thread that logs an error may wait for it.
    pub(super) fn may_wait(&mut self, now: Instant) -> bool {
        let second = Duration::from_secs(1);
        let current = self
            .urgent
            .filter(|(start, _)| now.duration_since(*start) < second);
        let (start, count) = current.unwrap_or((now, 0));
        self.urgent = Some((start, count.saturating_add(1)));
        count < URGENT_PER_SECOND
    }

    /// Moves the waiting lines to `lines`, which is empty.
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

    /// Records lines that the thread has finished. The sinks refused `lost` of them.
    pub(super) fn settle(&mut self, bytes: usize, lines: u64, lost: u64) {
        self.taken_lines -= lines.min(self.taken_lines);
        self.unwritten -= bytes;
        self.written += bytes as u64;
        self.lost += lost;
    }

    /// Discards all unwritten lines. Returns how many lines are lost, including earlier ones.
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

    /// Records that the thread has dropped the rest of the lines it had taken.
    pub(super) fn discarded(&mut self, bytes: usize) {
        self.discard = false;
        self.unwritten -= bytes;
        self.written += bytes as u64;
    }

    /// Returns the value of `written` once all lines so far are written.
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
