//! [`Writer`]: gathers lines for a few milliseconds and writes them together, because a write costs
//! more than everything else about a line.
//!
//! A dedicated thread writes. A line after a pause is written at once; lines logged during that
//! write, and in the [`GATHER`] time after it, are written together. A thread that logs waits only
//! for an urgent line (an error, or any line after telemetry has ended) and for capacity. If the
//! output accepts nothing for [`PATIENCE`], threads stop waiting until it accepts bytes again. Lines
//! that exceed the capacity are lost and counted, as are lines that are unwritten when the log is
//! closed.

mod state;
#[cfg(test)]
mod tests;

use std::{
    io, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use self::state::{State, Thread};
use crate::internal::stdio::is_temporary;

/// How long lines are gathered before a write.
const GATHER: Duration = Duration::from_millis(5);
/// Unwritten bytes that end the gathering early.
const GATHER_BYTES: usize = 64 * 1024;
/// How long the output may accept nothing before threads stop waiting for it.
const PATIENCE: Duration = Duration::from_secs(1);
/// Maximum duration of a flush if the output is slow.
const FLUSH: Duration = Duration::from_secs(5);
/// Maximum bytes of a write to a pipe that does not mix with writes of other processes: `PIPE_BUF`
/// on Linux. Other systems have a smaller one.
const ATOMIC_WRITE: usize = 4096;

/// An output for lines.
pub(super) trait Sink {
    /// Returns when a write may make progress.
    fn wait(&self);

    /// Writes once. An error of kind `WouldBlock` or `Interrupted` is not a failure: the same bytes
    /// are written again after [`wait`](Self::wait).
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
}

#[derive(Default)]
pub(super) struct Writer {
    state: Mutex<State>,
    /// Notified when there is something to write.
    work: Condvar,
    /// Notified when something has been written.
    done: Condvar,
}

/// The lines were discarded during the write.
struct Discarded;

impl Writer {
    /// Starts the thread. It writes each batch of lines to the first sink that accepts them.
    pub(super) fn start(sinks: Vec<impl Sink + Send + 'static>) -> io::Result<Arc<Self>> {
        let writer = Arc::new(Self::default());
        let own = Arc::clone(&writer);
        #[expect(
            clippy::disallowed_methods,
            reason = "it writes lines of every trace, for the life of the process"
        )]
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || own.run(&sinks))?;
        Ok(writer)
    }

    fn run(&self, sinks: &[impl Sink]) {
        let mut lines = String::new();
        let mut state = self.lock();
        loop {
            while state.waiting.is_empty() {
                state.thread = Thread::Idle;
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            state.thread = Thread::Busy;
            state.take(&mut lines);
            drop(state);
            let mut rest = &*lines;
            while !rest.is_empty() {
                let (now, later) = rest.split_at(whole_lines(rest));
                let Ok(lost) = self.deliver(now, sinks) else {
                    self.lock().discarded(rest.len());
                    self.done.notify_all();
                    break;
                };
                self.lock().settle(now.len(), count(now.as_bytes()), lost);
                self.done.notify_all();
                rest = later;
            }
            lines.clear();
            lines.shrink_to(GATHER_BYTES);
            let gather = |state: &mut State| state.thread != Thread::Called;
            let more = self.work.wait_timeout_while(self.lock(), GATHER, gather);
            (state, _) = more.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Writes lines to the first sink that accepts them. Returns the number of lines that every sink
    /// refused.
    fn deliver(&self, lines: &str, sinks: &[impl Sink]) -> Result<u64, Discarded> {
        let mut rest = lines.as_bytes();
        for sink in sinks {
            let mut at = 0;
            while at < rest.len() {
                sink.wait();
                if self.lock().discard {
                    return Err(Discarded);
                }
                match sink.write(&rest[at..]) {
                    Ok(written) if written > 0 => {
                        at += written;
                        self.lock().progress();
                        self.done.notify_all();
                    }
                    Err(error) if is_temporary(&error) => {}
                    _ => break,
                }
            }
            if at == rest.len() {
                return Ok(0);
            }
            // A partially written line goes to the next sink as a whole.
            let ends = rest[..at].iter().rposition(|byte| *byte == b'\n');
            rest = &rest[ends.map_or(0, |end| end + 1)..];
        }
        Ok(count(rest))
    }

    /// Adds a line, including its line break.
    pub(super) fn push(&self, line: &str, urgent: bool) {
        let mut state = self.lock();
        if !state.has_capacity(line) {
            state = self.wait_while(state, |state| !state.has_capacity(line));
            if !state.has_capacity(line) {
                state.lost += 1;
                return;
            }
        }
        state.push(line);
        if state.closed || urgent && state.may_wait(Instant::now()) {
            let end = state.end();
            drop(self.wait_while(state, |state| state.written < end));
        } else if state.thread == Thread::Idle || state.waiting.len() >= GATHER_BYTES {
            self.call(&mut state);
        }
    }

    /// Returns the number of lost lines once, as soon as the output accepts lines again.
    pub(super) fn lost(&self) -> Option<u64> {
        let mut state = self.lock();
        let is_due = state.lost > 0 && !state.stuck;
        is_due.then(|| mem::take(&mut state.lost))
    }

    /// Waits until the lines logged so far are written: for at most [`FLUSH`], and only while the
    /// output accepts bytes. Returns whether they are written.
    pub(super) fn flush(&self) -> bool {
        let started = Instant::now();
        let mut state = self.lock();
        let end = state.end();
        loop {
            state = self.wait_while(state, |state| state.written < end);
            let done = state.written >= end;
            if done || state.stuck || started.elapsed() >= FLUSH {
                return done;
            }
        }
    }

    /// Like [`flush`](Self::flush), and makes every later line urgent, because it may not be flushed
    /// again. Drops the lines that are still unwritten and returns the number of all lost lines.
    ///
    /// Tries a stuck output once more, because this is the last chance.
    pub(super) fn close(&self) -> Option<u64> {
        let mut state = self.lock();
        state.closed = true;
        state.stuck = false;
        drop(state);
        if self.flush() {
            return None;
        }
        let lost = self.lock().discard();
        (lost > 0).then_some(lost)
    }

    #[cfg(test)]
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits for at most [`PATIENCE`], and not at all if the output is stuck.
    fn wait_while<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        unfinished: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        self.call(&mut state);
        let before = (state.written, state.writes);
        let wait = |state: &mut State| !state.stuck && unfinished(state);
        let waited = self.done.wait_timeout_while(state, PATIENCE, wait);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() && (state.written, state.writes) == before {
            state.stuck = true;
            self.done.notify_all();
        }
        state
    }

    /// Wakes the thread, whether it is idle or gathering lines.
    fn call(&self, state: &mut State) {
        if mem::replace(&mut state.thread, Thread::Called) != Thread::Called {
            self.work.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the number of line breaks.
#[expect(
    clippy::naive_bytecount,
    reason = "once for each write, which costs more"
)]
fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Returns how many bytes of `lines` to write at once: at least one line.
fn whole_lines(lines: &str) -> usize {
    let Some((first, rest)) = lines.as_bytes().split_at_checked(ATOMIC_WRITE) else {
        return lines.len();
    };
    let last_end = first.iter().rposition(|byte| *byte == b'\n');
    let next_end = || {
        rest.iter()
            .position(|byte| *byte == b'\n')
            .map(|at| ATOMIC_WRITE + at)
    };
    last_end.or_else(next_end).map_or(lines.len(), |at| at + 1)
}
