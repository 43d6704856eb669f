//! [`Writer`]: lines wait for each other for a few milliseconds and go out together, because a write costs more than all else
//! about a line.
//!
//! A thread of its own writes. A line after a pause is written at once; the lines that are logged while it is written, and in
//! the [`GATHER`] after that, follow together. A thread that logs waits only for an urgent line (an error, or any line after the
//! end of telemetry) and for capacity. If the output takes nothing for [`PATIENCE`], no thread waits for it until it does again.
//! Lines without room are lost, and counted; so are those that the output has not taken when the log is closed.

use std::{
    io, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::stdio::is_temporary;

/// How long lines wait for each other.
const GATHER: Duration = Duration::from_millis(5);
/// So many bytes do not wait.
const ENOUGH: usize = 64 * 1024;
/// So many bytes wait for an output that takes nothing.
const ROOM: usize = 4 * 1024 * 1024;
/// So many errors a second are waited for: each costs two changes of threads, ten times the line, and a storm of them comes when
/// there is least to spare.
const URGENT_A_SECOND: u32 = 100;
/// How long an output may take nothing before nobody waits for it any more.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a flush may take where the output is slow.
const FLUSH: Duration = Duration::from_secs(5);
/// A write of no more than this to a pipe is not torn by those of other processes: `PIPE_BUF` of Linux. It is less elsewhere.
const WHOLE: usize = 4096;

/// Where lines go.
pub(super) trait Sink {
    /// Returns when a write may make progress.
    fn wait(&self);

    /// Writes once. An error of kind `WouldBlock` or `Interrupted` is not a failure: the same bytes are written again after
    /// [`wait`](Self::wait).
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
}

#[derive(Default)]
pub(super) struct Writer {
    state: Mutex<State>,
    /// There is something to write.
    work: Condvar,
    /// Something is written.
    done: Condvar,
}

#[derive(Default)]
struct State {
    /// Lines that the thread has not taken yet.
    waiting: String,
    waiting_lines: u64,
    /// Lines that the thread has taken and not written yet.
    taken_lines: u64,
    /// Bytes, including those that are being written.
    unwritten: usize,
    /// Bytes since the start, including those that failed.
    written: u64,
    /// Successful writes. A long line takes several.
    writes: u64,
    thread: Thread,
    /// A thread has waited for the output in vain.
    stuck: bool,
    /// The thread is to drop the lines that it has taken: they are counted as lost.
    discard: bool,
    /// Every line is urgent.
    closed: bool,
    /// Since when errors are counted, for a second, and how many there were.
    urgent: Option<(Instant, u32)>,
    /// Lines lost since the last report.
    lost: u64,
}

#[derive(Default, PartialEq, Eq)]
enum Thread {
    /// Writes, or gathers.
    #[default]
    Busy,
    /// Waits for the first line.
    Idle,
    /// Is to stop waiting.
    Called,
}

/// The lines are given up.
struct Discarded;

impl Writer {
    /// Starts the thread. It gives several lines at once to the first of these that takes them.
    pub(super) fn start(sinks: Vec<impl Sink + Send + 'static>) -> io::Result<Arc<Self>> {
        let writer = Arc::new(Self::default());
        let own = Arc::clone(&writer);
        #[expect(
            clippy::disallowed_methods,
            reason = "lines of every trace, for the life of the process"
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
            mem::swap(&mut lines, &mut state.waiting);
            state.taken_lines = mem::take(&mut state.waiting_lines);
            state.discard = false;
            drop(state);
            let mut rest = &*lines;
            while !rest.is_empty() {
                let (now, later) = rest.split_at(whole_lines(rest));
                let Ok(lost) = self.deliver(now, sinks) else {
                    self.discarded(rest.len());
                    break;
                };
                self.settle(now, lost);
                rest = later;
            }
            lines.clear();
            lines.shrink_to(ENOUGH);
            let gather = |state: &mut State| state.thread != Thread::Called;
            let more = self.work.wait_timeout_while(self.lock(), GATHER, gather);
            (state, _) = more.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Writes lines to the first sink that takes them. Returns how many none of them takes.
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
            // The line that was cut goes to the next sink as a whole.
            let ends = rest[..at].iter().rposition(|byte| *byte == b'\n');
            rest = &rest[ends.map_or(0, |end| end + 1)..];
        }
        Ok(count(rest))
    }

    fn settle(&self, lines: &str, lost: u64) {
        let mut state = self.lock();
        state.taken_lines -= count(lines.as_bytes()).min(state.taken_lines);
        state.unwritten -= lines.len();
        state.written += lines.len() as u64;
        state.lost += lost;
        self.done.notify_all();
    }

    fn discarded(&self, bytes: usize) {
        let mut state = self.lock();
        state.discard = false;
        state.unwritten -= bytes;
        state.written += bytes as u64;
        self.done.notify_all();
    }

    /// Takes a line with its end.
    pub(super) fn push(&self, line: &str, urgent: bool) {
        let mut state = self.lock();
        if !state.has_room(line) {
            state = self.wait_while(state, |state| !state.has_room(line));
            if !state.has_room(line) {
                state.lost += 1;
                return;
            }
        }
        state.waiting.push_str(line);
        state.waiting_lines += 1;
        state.unwritten += line.len();
        if state.closed || urgent && state.may_wait(Instant::now()) {
            let end = state.end();
            drop(self.wait_while(state, |state| state.written < end));
        } else if state.thread == Thread::Idle || state.waiting.len() >= ENOUGH {
            self.call(&mut state);
        }
    }

    /// Returns how many lines were lost, once, and not before the output takes lines again.
    pub(super) fn lost(&self) -> Option<u64> {
        let mut state = self.lock();
        let is_due = state.lost > 0 && !state.stuck;
        is_due.then(|| mem::take(&mut state.lost))
    }

    /// Waits until the lines taken so far are written, as long as the output takes any, and a few seconds at most. Returns
    /// whether they are.
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

    /// Like [`flush`](Self::flush), and every further line is urgent: nothing may flush it any more. Drops what the output
    /// has not taken by then, and returns how many lines that are, with those that were lost before.
    ///
    /// An output that was stuck gets one more chance, because it is the last one.
    pub(super) fn close(&self) -> Option<u64> {
        let mut state = self.lock();
        state.closed = true;
        state.stuck = false;
        drop(state);
        if self.flush() {
            return None;
        }
        let mut state = self.lock();
        if state.taken_lines > 0 {
            state.discard = true;
        }
        let bytes = state.waiting.len();
        state.waiting.clear();
        state.unwritten -= bytes;
        state.written += bytes as u64;
        let lines = mem::take(&mut state.waiting_lines) + mem::take(&mut state.taken_lines);
        let lost = mem::take(&mut state.lost) + lines;
        (lost > 0).then_some(lost)
    }

    #[cfg(test)]
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits no longer than [`PATIENCE`], and not at all for an output that is stuck.
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

    /// Ends the thread's wait for more lines, or for the first.
    fn call(&self, state: &mut State) {
        if mem::replace(&mut state.thread, Thread::Called) != Thread::Called {
            self.work.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_room(&self, line: &str) -> bool {
        self.unwritten == 0 || self.unwritten + line.len() <= ROOM
    }

    fn may_wait(&mut self, now: Instant) -> bool {
        let second = Duration::from_secs(1);
        let current = self
            .urgent
            .filter(|(start, _)| now.duration_since(*start) < second);
        let (start, count) = current.unwrap_or((now, 0));
        self.urgent = Some((start, count.saturating_add(1)));
        count < URGENT_A_SECOND
    }

    /// The output takes lines.
    fn progress(&mut self) {
        self.writes += 1;
        self.stuck = false;
    }

    /// Where the last line that was taken ends.
    fn end(&self) -> u64 {
        self.written + self.unwritten as u64
    }
}

/// How many lines end in these bytes.
#[expect(
    clippy::naive_bytecount,
    reason = "once for each write, which costs more"
)]
fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// How much of `lines` goes into one write: one line at least.
fn whole_lines(lines: &str) -> usize {
    let Some((first, rest)) = lines.as_bytes().split_at_checked(WHOLE) else {
        return lines.len();
    };
    let last_end = first.iter().rposition(|byte| *byte == b'\n');
    let next_end = || {
        rest.iter()
            .position(|byte| *byte == b'\n')
            .map(|at| WHOLE + at)
    };
    last_end.or_else(next_end).map_or(lines.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, sync::mpsc};

    use super::*;

    /// Takes nothing until the other end of the channel is dropped.
    struct Gate(mpsc::Receiver<()>);

    impl Sink for Gate {
        fn wait(&self) {
            self.0.recv().unwrap_or_default();
        }

        fn write(&self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
    }

    /// Takes so many bytes at once, and fails after so many in all.
    struct Narrow {
        at_once: usize,
        left: Cell<usize>,
        taken: Arc<Mutex<String>>,
    }

    impl Narrow {
        fn new(at_once: usize, left: usize) -> (Self, Arc<Mutex<String>>) {
            let taken = Arc::<Mutex<String>>::default();
            let narrow = Self {
                at_once,
                left: Cell::new(left),
                taken: Arc::clone(&taken),
            };
            (narrow, taken)
        }
    }

    impl Sink for Narrow {
        fn wait(&self) {}

        fn write(&self, bytes: &[u8]) -> io::Result<usize> {
            if self.left.get() == 0 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let length = bytes.len().min(self.at_once).min(self.left.get());
            self.left.set(self.left.get() - length);
            let mut taken = self.taken.lock().unwrap();
            taken.push_str(str::from_utf8(&bytes[..length]).unwrap());
            Ok(length)
        }
    }

    #[test]
    fn closed_writer_counts_lines_without_taker() {
        let (blocked, gate) = mpsc::channel::<()>();
        let writer = Writer::start(vec![Gate(gate)]).unwrap();
        for _ in 0..10 {
            writer.push("line\n", false);
        }
        assert_eq!(writer.close(), Some(10));
        drop(blocked);
        writer.push("later\n", false);
        assert!(writer.flush());
        assert_eq!(writer.lost(), None);
    }

    #[test]
    fn cut_line_goes_whole_to_next_sink() {
        let (first, to_first) = Narrow::new(5, 12);
        let (second, to_second) = Narrow::new(7, 20);
        let writer = Writer::start(vec![first, second]).unwrap();
        for line in ["one ....\n", "two ....\n", "three ..\n", "four ...\n"] {
            writer.push(line, true);
        }
        assert!(writer.flush());
        assert_eq!(*to_first.lock().unwrap(), "one ....\ntwo");
        assert_eq!(*to_second.lock().unwrap(), "two ....\nthree ..\nfo");
        assert_eq!(writer.lost(), Some(1));
    }

    #[test]
    fn lost_lines_are_reported_once_output_recovers() {
        let (blocked, gate) = mpsc::channel::<()>();
        let writer = Writer::start(vec![Gate(gate)]).unwrap();
        let line = "x".repeat(ROOM / 4) + "\n";
        for _ in 0..5 {
            writer.push(&line, false);
        }
        assert!(!writer.flush());
        assert_eq!(writer.lost(), None);
        drop(blocked);
        assert_eq!(writer.close(), None);
        assert_eq!(writer.lost(), Some(2));
        assert_eq!(writer.lost(), None);
        assert!(writer.flush());
    }

    #[test]
    fn error_storm_waits_are_rate_limited() {
        let mut state = State::default();
        let start = Instant::now();
        let mut waits = |at: Duration| (0..200).filter(|_| state.may_wait(start + at)).count();
        assert_eq!(waits(Duration::ZERO), 100);
        assert_eq!(waits(Duration::from_millis(999)), 0);
        assert_eq!(waits(Duration::from_secs(1)), 100);
    }

    #[test]
    fn writes_have_whole_lines_within_pipe_buf() {
        let line = |length: usize| format!("{}\n", "x".repeat(length - 1));
        let long = line(3 * WHOLE);
        let fits = line(WHOLE / 2);
        for (lines, first) in [
            (String::new(), 0),
            (fits.clone(), fits.len()),
            (fits.repeat(2), WHOLE),
            (fits.repeat(3), WHOLE),
            (format!("{fits}{long}"), fits.len()),
            (long.clone(), long.len()),
            (format!("{long}{fits}"), long.len()),
        ] {
            assert_eq!(whole_lines(&lines), first);
        }
    }
}
