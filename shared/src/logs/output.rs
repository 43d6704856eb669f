//! [`Output`]: where lines go, each as a whole.

use std::io::{self, Write};

use super::escape;

/// Standard output, and standard error for a line that it does not take, because the disk is full or nobody reads it any
/// more: the layers above would drop the line without a word.
pub(super) struct Output;

/// Writes a line with its end, in which every text is escaped.
pub(super) fn write(line: &str) {
    let written = io::stdout().write_all(line.as_bytes());
    let _ = written.or_else(|_| io::stderr().write_all(line.as_bytes()));
}

impl Write for Output {
    /// A line is written as a whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        write(&escape::line(&String::from_utf8_lossy(line)));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
