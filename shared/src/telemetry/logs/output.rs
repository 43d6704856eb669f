//! The process-wide log output: whole lines to standard output, in order (`writer`).

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
use crate::internal::stdio::Stream;

/// `None` if the thread cannot be started. Each line is then written by the thread that logs it.
static WRITER: OnceLock<Option<Arc<Writer>>> = OnceLock::new();

/// How long the final report of lost lines may wait for standard error.
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);

/// Starts the thread that writes lines.
pub(super) fn start() {
    WRITER.get_or_init(|| Writer::start(sinks()).ok());
}

fn writer() -> Option<&'static Writer> {
    WRITER.get()?.as_deref()
}

/// Returns standard output, and standard error for lines that it refuses because its disk is full or its
/// reader is gone.
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

/// Logs a line, including its line break, in which every text is escaped. When this returns, an error is
/// written, unless there are too many errors or standard output accepts nothing.
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
            // Stable for filters, wherever this file is.
            target: "shared::telemetry::logs",
            lost,
            "log lines lost, standard output blocked"
        );
    }
}

/// Waits until all lines logged so far are written, for at most a few seconds. Returns whether they are
/// written.
pub(crate) fn flush() -> bool {
    writer().is_none_or(Writer::flush)
}

/// Like [`flush`], and makes each later line be written when it is logged. Reports the number of lost lines
/// on standard error, because the process may end at any moment.
pub(crate) fn close() {
    let Some(writer) = writer() else { return };
    if let Some(lost) = writer.close() {
        report(lost);
    } else {
        log_lost(writer);
    }
}

fn report(lost: u64) {
    let report = format!("{lost} log lines lost: standard output did not accept them in time\n");
    // It may be the same full pipe as standard output.
    if Stream::Stderr.wait(Some(REPORT_TIMEOUT)) {
        let _ = Stream::Stderr.write(report.as_bytes());
    }
}

/// Number of live [`CloseOnDrop`] values.
static OPEN_HANDLES: AtomicUsize = AtomicUsize::new(0);

/// Flushes the log on drop. Dropping the last one closes the log.
#[derive(Debug)]
pub(crate) struct CloseOnDrop(());

impl CloseOnDrop {
    pub(crate) fn new() -> Self {
        OPEN_HANDLES.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        if OPEN_HANDLES.fetch_sub(1, Ordering::Relaxed) == 1 {
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
    fn log_closes_with_last_handle() {
        start();
        let writer = writer().unwrap();
        let [one, other] = [(); 2].map(|()| CloseOnDrop::new());
        drop(one);
        assert!(!writer.is_closed(), "another handle is open");
        drop(other);
        assert!(writer.is_closed());
    }
}
