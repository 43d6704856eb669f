//! Standard output, which receives whole lines in their order (`writer`).

use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tracing::Level;

use super::writer::{Sink, Writer};
use crate::stdio::Stream;

/// None if the system has no thread for it: then each line is written by the thread that logs it.
static WRITER: OnceLock<Option<Arc<Writer>>> = OnceLock::new();

/// How long the report of lost lines at the end may wait for standard error.
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);

/// Starts the thread that writes lines.
pub(super) fn start() {
    WRITER.get_or_init(|| Writer::start(sinks()).ok());
}

fn writer() -> Option<&'static Writer> {
    WRITER.get()?.as_deref()
}

/// Standard output, and standard error for the lines that it refuses: its disk is full, or its reader is gone.
fn sinks() -> Vec<Stream> {
    if Stream::stdout_was_closed() {
        vec![Stream::Stderr]
    } else {
        vec![Stream::Stdout, Stream::Stderr]
    }
}

impl Sink for Stream {
    fn wait(&self) {
        Self::wait(*self, None);
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Self::write(*self, bytes)
    }
}

/// Takes a line with its end, in which every text is escaped. An error is written when this returns, unless there are
/// many, or standard output takes nothing.
pub(super) fn log(line: &str, level: Level) {
    let Some(writer) = writer() else {
        let line = line.as_bytes();
        let _ = sinks()
            .into_iter()
            .find(|sink| sink.write_all(line).is_ok());
        return;
    };
    writer.push(line, level == Level::ERROR);
    log_lost(writer);
}

fn log_lost(writer: &Writer) {
    if let Some(lost) = writer.lost() {
        tracing::error!(
            // A name that filters know.
            target: "shared::telemetry::logs",
            lost,
            "log lines are lost: standard output took none for a while"
        );
    }
}

/// Waits until all lines logged so far are written, for a few seconds at most. Returns whether they are.
pub(crate) fn flush() -> bool {
    writer().is_none_or(Writer::flush)
}

/// Waits like [`flush`]; from then on each line is written when it is logged. Reports on standard error how many lines are
/// lost, because the process may end at any moment.
pub(crate) fn close() {
    let Some(writer) = writer() else { return };
    if let Some(lost) = writer.close() {
        report(lost);
    } else {
        log_lost(writer);
    }
}

fn report(lost: u64) {
    let report = format!("{lost} log lines lost: standard output did not take them in time\n");
    // It may be the same pipe as standard output, and as full.
    if Stream::Stderr.wait(Some(REPORT_TIMEOUT)) {
        let _ = Stream::Stderr.write(report.as_bytes());
    }
}

/// How many [`CloseOnDrop`] there are.
static KEEPERS: AtomicUsize = AtomicUsize::new(0);

/// Flushes the log when it is dropped. The last one closes it.
#[derive(Debug)]
pub(crate) struct CloseOnDrop(());

impl CloseOnDrop {
    pub(crate) fn new() -> Self {
        KEEPERS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        if KEEPERS.fetch_sub(1, Ordering::Relaxed) == 1 {
            close();
        } else {
            flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_keeper_closes_log() {
        start();
        let writer = writer().unwrap();
        let [one, other] = [(); 2].map(|()| CloseOnDrop::new());
        drop(one);
        assert!(
            !writer.is_closed(),
            "a second set-up has failed, or has ended"
        );
        drop(other);
        assert!(writer.is_closed());
    }
}
