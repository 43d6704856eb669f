//! [`Writer`]: gathers log lines for a few milliseconds and writes them together, because a write costs more
//! than all other work for a line.
//!
//! A dedicated thread writes the lines. The first line after a pause is written immediately; lines logged
//! during that write, and in the [`GATHER`] time after it, are written together. A thread that logs a line
//! only waits if the line is urgent (an error, or any line after telemetry has ended) or if the buffer is
//! full. If the output accepts nothing for [`PATIENCE`], logging threads do not wait again until the output
//! accepts bytes. Lines that exceed the capacity of the buffer are lost and counted, as are lines that are
//! still unwritten when the log is closed.

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

/// How long log lines are gathered before a write.
const GATHER: Duration = Duration::from_millis(5);
/// Number of unwritten bytes at which lines are written before the [`GATHER`] time has passed.
const GATHER_BYTES: usize = 64 * 1024;
/// How long a logging thread waits for an output that accepts nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// Maximum duration of a flush if the output is slow.
const FLUSH: Duration = Duration::from_secs(5);
/// Maximum size, in bytes, of an atomic write to a pipe, which does not mix with writes of other processes.
/// This is `PIPE_BUF` on Linux; other systems have a smaller limit.
const ATOMIC_WRITE: usize = 4096;

/// An output for log lines.
pub(super) trait Sink {
    /// Waits until the output may accept bytes.
    fn wait(&self);

    /// Writes once, and returns how many bytes the output has accepted. After an error of kind `WouldBlock`
    /// or `Interrupted`, the caller calls [`wait`](Self::wait) and writes the same bytes again.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
}

#[derive(Default)]
pub(super) struct Writer {
    state: Mutex<State>,
    /// Notified when there are lines to write.
    work: Condvar,
    /// Notified when lines are written or discarded, or when threads must stop waiting for the output.
    done: Condvar,
}

/// Error of [`Writer::deliver`]: [`Writer::close`] has discarded the lines before they were written.
struct Discarded;

impl Writer {
    /// Starts the writer's thread, which writes each batch of lines to the first sink that accepts it.
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
            // If a sink fails in the middle of a line, the next sink receives the whole line.
            let ends = rest[..at].iter().rposition(|byte| *byte == b'\n');
            rest = &rest[ends.map_or(0, |end| end + 1)..];
        }
        Ok(count(rest))
    }

    /// Adds a line, including its line break, to the unwritten lines. May wait if the line is urgent or the
    /// buffer is full.
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

    /// Returns the number of lines lost since the last report and resets that number. Returns `None` if no
    /// lines are lost or the output is stuck.
    pub(super) fn lost(&self) -> Option<u64> {
        let mut state = self.lock();
        let is_due = state.lost > 0 && !state.stuck;
        is_due.then(|| mem::take(&mut state.lost))
    }

    /// Waits until all lines logged so far are written: for at most [`FLUSH`], and only while the output
    /// accepts bytes. Returns whether all these lines are written.
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

    /// Like [`flush`](Self::flush), but also makes every later line urgent, because there may be no further
    /// flush. If lines are still unwritten after the flush, drops them and returns the number of all lost
    /// lines.
    ///
    /// Waits once more even for an output that is stuck, because this is the last chance to write the lines.
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

    /// Waits while `unfinished` is true, for at most [`PATIENCE`]. Does not wait if the output is stuck.
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

    /// Wakes the writer's thread, whether it is idle or gathering lines.
    fn call(&self, state: &mut State) {
        if mem::replace(&mut state.thread, Thread::Called) != Thread::Called {
            self.work.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the number of line breaks in `lines`.
#[expect(
    clippy::naive_bytecount,
    reason = "once for each write, which costs more"
)]
fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Returns how many bytes of `lines` to write at once: the whole lines that fit into an atomic write, but at
/// least one line.
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
