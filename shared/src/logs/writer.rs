//! [`Writer`]: lines wait for each other for a few milliseconds and go out together, because a write costs more than all else
//! about a line.
//!
//! A thread of its own writes. A line that comes after a pause is written at once, and what comes while it is written and in
//! the [`GATHER`] after that follows together. Whoever logs waits only for an urgent line (an error, or any after the end of
//! telemetry) and for room; and where the output takes nothing for [`PATIENCE`], for nothing at all until it does again. Lines
//! that there is no room for meanwhile are lost, and counted.

use std::{
    io, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

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
    waiting: String,
    /// Bytes, what is being written included.
    unwritten: usize,
    /// Bytes since the start.
    written: u64,
    thread: Thread,
    /// The output takes nothing, as somebody who waited for it has found out.
    stuck: bool,
    /// Every line is urgent.
    closed: bool,
    /// Since when errors are counted, for a second, and how many there were.
    urgent: Option<(Instant, u32)>,
    /// Lines, since the last time that somebody was told.
    lost: u64,
}

#[derive(Default, PartialEq, Eq)]
enum Thread {
    /// Writes, or gathers.
    #[default]
    Busy,
    /// Waits for the first line.
    Idle,
    /// Is not to wait any longer.
    Called,
}

impl Writer {
    /// Starts the thread, which gives lines to `write`, several at once.
    pub(super) fn start(write: impl Fn(&str) + Send + 'static) -> io::Result<Arc<Self>> {
        let writer = Arc::new(Self::default());
        let own = Arc::clone(&writer);
        #[expect(
            clippy::disallowed_methods,
            reason = "lines of every trace, for the life of the process"
        )]
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || own.run(write))?;
        Ok(writer)
    }

    fn run(&self, write: impl Fn(&str)) {
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
            drop(state);
            let mut rest = &*lines;
            while !rest.is_empty() {
                let (now, later) = rest.split_at(whole_lines(rest));
                write(now);
                self.written(now.len());
                rest = later;
            }
            lines.clear();
            lines.shrink_to(ENOUGH);
            let gather = |state: &mut State| state.thread != Thread::Called;
            let more = self.work.wait_timeout_while(self.lock(), GATHER, gather);
            (state, _) = more.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn written(&self, bytes: usize) {
        let mut state = self.lock();
        state.unwritten -= bytes;
        state.written += bytes as u64;
        state.stuck = false;
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
        state.unwritten += line.len();
        if state.closed || urgent && state.may_wait(Instant::now()) {
            let end = state.end();
            drop(self.wait_while(state, |state| state.written < end));
        } else if state.thread == Thread::Idle || state.waiting.len() >= ENOUGH {
            self.call(&mut state);
        }
    }

    /// How many lines were lost, told once, and not before the output takes lines again.
    pub(super) fn lost(&self) -> Option<u64> {
        let mut state = self.lock();
        let told = state.lost > 0 && !state.stuck;
        told.then(|| mem::take(&mut state.lost))
    }

    /// Waits until the lines are written that were taken so far, as long as the output takes any, and a few seconds at most.
    /// Says whether they are.
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

    /// The same, and every further line is urgent: nobody may be there any more to flush it.
    ///
    /// Nor may there be another chance: an output that was stuck is waited for once more.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.stuck = false;
        drop(state);
        self.flush();
    }

    #[cfg(test)]
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Not for longer than [`PATIENCE`], and not at all for an output that is stuck.
    fn wait_while<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        unfinished: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        self.call(&mut state);
        let before = state.written;
        let wait = |state: &mut State| !state.stuck && unfinished(state);
        let waited = self.done.wait_timeout_while(state, PATIENCE, wait);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() && state.written == before {
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

    /// Where the last line that was taken ends.
    fn end(&self) -> u64 {
        self.written + self.unwritten as u64
    }
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
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn lines_without_room_are_lost_and_told_once_when_the_output_takes_lines_again() {
        let (blocked, gate) = mpsc::channel::<()>();
        let writer = Writer::start(move |_| gate.recv().unwrap_or_default()).unwrap();
        let line = "x".repeat(ROOM / 4) + "\n";
        for _ in 0..5 {
            writer.push(&line, false);
        }
        assert!(!writer.flush());
        assert_eq!(writer.lost(), None);
        drop(blocked);
        writer.close();
        assert_eq!(writer.lost(), Some(2));
        assert_eq!(writer.lost(), None);
        assert!(writer.flush());
    }

    #[test]
    fn a_storm_of_errors_waits_for_no_more_than_so_many_a_second() {
        let mut state = State::default();
        let start = Instant::now();
        let mut waits = |at: Duration| (0..200).filter(|_| state.may_wait(start + at)).count();
        assert_eq!(waits(Duration::ZERO), 100);
        assert_eq!(waits(Duration::from_millis(999)), 0);
        assert_eq!(waits(Duration::from_secs(1)), 100);
    }

    #[test]
    fn a_write_has_whole_lines_and_no_more_than_a_pipe_takes_at_once_unless_it_is_one() {
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
