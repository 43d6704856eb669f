//! Unbuffered standard output and standard error. Each may be non-blocking: the parent process may have set that flag,
//! and all processes that share a pipe or terminal share its flag.

use std::{
    io::{self, Write as _},
    time::Duration,
};

/// A standard stream for output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    #[cfg_attr(
        not(feature = "logs"),
        expect(dead_code, reason = "only log lines are written there")
    )]
    Stdout,
    Stderr,
}

impl Stream {
    /// Writes all bytes in as few system calls as possible. Waits while the stream is full.
    ///
    /// # Errors
    ///
    /// Fails if the stream is closed or a write fails.
    pub(crate) fn write_all(self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if is_temporary(&error) => {
                    self.wait(None);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns whether to write colors: the stream is a terminal, and none of `NO_COLOR`, `CLICOLOR=0` and `TERM=dumb`
    /// is set.
    #[cfg(feature = "logs")]
    pub(crate) fn has_color(self) -> bool {
        use std::io::IsTerminal as _;

        let is_terminal = match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
        };
        is_terminal && wants_color(|name| std::env::var(name).ok())
    }

    /// Returns whether standard output was closed when the process started.
    ///
    /// If standard output is closed, Rust's runtime opens `/dev/null` in its place, for reading and writing.
    /// `> /dev/null` in a shell opens it for writing only.
    #[cfg(all(unix, feature = "logs"))]
    pub(crate) fn stdout_was_closed() -> bool {
        use std::{
            fs::{File, metadata},
            io::Read as _,
            os::{
                fd::AsFd as _,
                unix::fs::{FileTypeExt as _, MetadataExt as _},
            },
        };

        let is_null_for_both = || {
            let mut stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
            let (own, null) = (stdout.metadata()?, metadata("/dev/null")?);
            let is_null = own.file_type().is_char_device() && own.rdev() == null.rdev();
            io::Result::Ok(is_null && stdout.read(&mut [0]).is_ok())
        };
        is_null_for_both().unwrap_or(false)
    }

    #[cfg(all(not(unix), feature = "logs"))]
    pub(crate) fn stdout_was_closed() -> bool {
        false
    }
}

#[cfg(unix)]
impl Stream {
    /// Writes as many bytes as the stream accepts at once. Fails with `WouldBlock` if the stream is full and
    /// non-blocking.
    pub(crate) fn write(self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                // `print!` may have left the beginning of a line in the standard library's buffer.
                stdout.flush()?;
                rustix::io::write(&stdout, bytes)
            }
            Self::Stderr => rustix::io::write(io::stderr().lock(), bytes),
        };
        Ok(written?)
    }

    /// Waits until the stream accepts bytes or fails. Returns whether that happened within the timeout.
    pub(crate) fn wait(self, timeout: Option<Duration>) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let stream = match self {
            Self::Stdout => PollFd::new(&stdout, PollFlags::OUT),
            Self::Stderr => PollFd::new(&stderr, PollFlags::OUT),
        };
        // If a signal interrupts `poll`, the caller tries to write and waits again.
        poll(&mut [stream], timeout.as_ref()).is_ok_and(|ready| ready > 0)
    }
}

#[cfg(not(unix))]
impl Stream {
    /// Writes all bytes; blocks while the stream is full.
    pub(crate) fn write(self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout => io::stdout().write_all(bytes)?,
            Self::Stderr => io::stderr().write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    /// Returns at once, because `write` blocks on this platform.
    pub(crate) fn wait(self, _: Option<Duration>) -> bool {
        true
    }
}

/// Returns whether a failed write may succeed if it is repeated.
pub(crate) fn is_temporary(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// Returns whether the environment variables allow colors on a terminal.
#[cfg(feature = "logs")]
fn wants_color(variable: impl Fn(&str) -> Option<String>) -> bool {
    let no_color = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let off = variable("CLICOLOR").is_some_and(|value| value == "0");
    let dumb = variable("TERM").is_some_and(|term| term == "dumb");
    !(no_color || off || dumb)
}

#[cfg(all(test, feature = "logs"))]
mod tests {
    use super::*;

    #[test]
    fn color_is_off_for_each_variable() {
        for (name, value, wanted) in [
            ("TERM", "xterm-256color", true),
            ("TERM", "dumb", false),
            ("NO_COLOR", "1", false),
            ("NO_COLOR", "", true),
            ("CLICOLOR", "0", false),
            ("CLICOLOR", "1", true),
        ] {
            let variable = |asked: &str| (asked == name).then(|| value.to_owned());
            assert_eq!(wants_color(variable), wanted, "{name}={value}");
        }
    }
}
