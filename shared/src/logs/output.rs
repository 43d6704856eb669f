//! Standard output, which gets lines as a whole and in their order (`writer`).

use std::{
    io::{self, Write},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::{escape, writer::Writer};

/// None where the system has no thread for it: then a line is written by whoever logs it.
static WRITER: OnceLock<Option<Arc<Writer>>> = OnceLock::new();

/// From here on lines are written by a thread of their own.
pub(super) fn start() {
    WRITER.get_or_init(|| Writer::start(write).ok());
}

fn writer() -> Option<&'static Writer> {
    WRITER.get()?.as_deref()
}

/// Takes a line with its end, in which every text is escaped. An error is written when this returns, unless there are
/// many, or standard output takes nothing.
pub(super) fn log(line: &str, level: Level) {
    let Some(writer) = writer() else {
        return write(line);
    };
    writer.push(line, level == Level::ERROR);
    tell_lost(writer);
}

fn tell_lost(writer: &Writer) {
    if let Some(lost) = writer.lost() {
        tracing::error!(
            // A name that filters know.
            target: "shared::telemetry::logs",
            lost,
            "log lines are lost: standard output took none for a while"
        );
    }
}

/// Waits until all lines are written that were logged so far, for a few seconds at most. Says whether they are.
pub(crate) fn flush() -> bool {
    writer().is_none_or(Writer::flush)
}

/// How many [`FlushOnDrop`] there are.
static KEEPERS: AtomicUsize = AtomicUsize::new(0);

/// Flushes the log when it is dropped. From the last one on every line is written when it is logged: the process may end at
/// any moment.
#[derive(Debug)]
pub(crate) struct FlushOnDrop(());

impl FlushOnDrop {
    pub(crate) fn new() -> Self {
        KEEPERS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        let is_last = KEEPERS.fetch_sub(1, Ordering::Relaxed) == 1;
        if let Some(writer) = writer() {
            if is_last {
                writer.close();
            } else {
                writer.flush();
            }
            tell_lost(writer);
        }
    }
}

/// Standard output, and standard error for what it does not take, because the disk is full or nobody reads it any more.
fn write(lines: &str) {
    let written = io::stdout().write_all(lines.as_bytes());
    let _ = written.or_else(|_| io::stderr().write_all(lines.as_bytes()));
}

/// For the layer that formats lines for people.
pub(super) struct Output;

pub(super) struct Line {
    level: Level,
}

impl MakeWriter<'_> for Output {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line { level: Level::INFO }
    }

    fn make_writer_for(&self, event: &Metadata<'_>) -> Line {
        Line {
            level: *event.level(),
        }
    }
}

impl Write for Line {
    /// A line is given as a whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        log(&escape::line(&String::from_utf8_lossy(line)), self.level);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_closes_with_the_last_of_those_who_keep_it_open() {
        start();
        let writer = writer().unwrap();
        let [one, other] = [(); 2].map(|()| FlushOnDrop::new());
        drop(one);
        assert!(
            !writer.is_closed(),
            "a second set-up has failed, or is through"
        );
        drop(other);
        assert!(writer.is_closed());
    }
}
