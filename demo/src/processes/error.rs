//! The errors of a service's process, with the last lines that the process wrote.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};

use super::deadlines::{START, grace};

/// Number of output lines that are kept for error messages.
const KEPT: usize = 10;

/// The failure of a service's process.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The process could not be started.
    #[error("cannot start {0}")]
    Spawn(&'static str, #[source] io::Error),
    /// The process exited unexpectedly.
    #[error("the demo stops because {0} exited unexpectedly ({1}){2}")]
    Died(&'static str, ExitStatus, LastWords),
    /// The process runs, but did not become ready in time.
    #[error("{0} was not ready after {seconds} s{1}", seconds = START.as_secs())]
    NotReady(&'static str, LastWords),
    /// The process exited with an error during shutdown.
    #[error("{0} exited with {1} during shutdown{2}")]
    EndedBadly(&'static str, ExitStatus, LastWords),
    /// The process did not exit in time and was killed.
    #[error("{0} did not end within {seconds} s and was killed", seconds = grace().as_secs())]
    Killed(&'static str),
    /// The operating system did not report the exit status of the process.
    #[error("cannot wait for {0}")]
    Wait(&'static str, #[source] io::Error),
}

/// The last output lines of a service, indented below the error message: the lines on standard error, and the errors
/// that the service logged before it listened.
#[derive(Debug)]
pub struct LastWords(Vec<String>);

impl fmt::Display for LastWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() {
            f.write_str("; its last words:")?;
        }
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// Collects the last output lines of a process. Clones share the lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder(Arc<Mutex<VecDeque<String>>>);

impl Recorder {
    pub(super) fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    pub(super) fn last_words(&self) -> LastWords {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        LastWords(lines.iter().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn unexpected_successful_exit_is_reported() {
        let recorder = Recorder::default();
        recorder.push("goodbye".to_owned());
        let error = ProcessError::Died("inventory", ExitStatus::from_raw(0), recorder.last_words());
        assert_eq!(
            error.to_string(),
            "the demo stops because inventory exited unexpectedly (exit status: 0); \
             its last words:\n  goodbye"
        );
    }
}
