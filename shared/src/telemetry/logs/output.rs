//! The process-wide log output, which writes whole lines to standard output, in order.

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

/// The log writer of the process. `None` if the writer's thread cannot be started: each line is then written
/// by the thread that logs it.
static WRITER: OnceLock<Option<Arc<Writer>>> = OnceLock::new();

/// How long the final report of lost log lines may wait for standard error.
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);

/// Starts the thread that writes log lines.
pub(super) fn start() {
    WRITER.get_or_init(|| Writer::start(sinks()).ok());
}

fn writer() -> Option<&'static Writer> {
    WRITER.get()?.as_deref()
}

/// Returns the outputs for log lines: standard output, and standard error for lines that standard output
/// refuses because its disk is full or its reader is gone.
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

/// Logs a line that ends with a line break and has every text escaped. When the function returns, a line of
/// level `ERROR` is written, unless there are too many errors or standard output accepts nothing.
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
            // The target is fixed, so that log filters still match if this code moves to another module.
            target: "shared::telemetry::logs",
            lost,
            "log lines lost, standard output blocked"
        );
    }
}

/// Waits until all lines logged so far are written, for at most a few seconds. Returns whether all these
/// lines are written.
pub(crate) fn flush() -> bool {
    writer().is_none_or(Writer::flush)
}

/// Like [`flush`], but also makes every later line be written before the logging call returns. Reports the
/// number of lost lines on standard error, because the process may end at any moment.
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
    // Standard error may be the same full pipe as standard output.
    if Stream::Stderr.wait(Some(REPORT_TIMEOUT)) {
        let _ = Stream::Stderr.write(report.as_bytes());
    }
}

/// Number of live [`CloseOnDrop`] values.
static OPEN_HANDLES: AtomicUsize = AtomicUsize::new(0);

/// Flushes the log on drop. When the last `CloseOnDrop` is dropped, the log is closed.
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
