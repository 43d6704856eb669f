//! Commands typed into the running demo, such as `stop inventory` and `start inventory`.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum as _;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;
use tokio::sync::mpsc;

use crate::role::Role;

/// A typed command, which stops or starts a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Shut the service down gracefully.
    Stop(Role),
    /// Start the service again, at the same address and with the same data.
    Start(Role),
}

/// The error for a typed line that is not a known command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is nothing to type here; `stop inventory` and `start inventory` are, and so with checkout",
    .0.escape_debug()
)]
pub struct NoOrder(String);

impl FromStr for Order {
    type Err = NoOrder;

    fn from_str(line: &str) -> Result<Self, NoOrder> {
        let no_order = || NoOrder(line.trim().to_owned());
        let words: Vec<_> = line.split_whitespace().collect();
        let [verb, name] = words[..] else {
            return Err(no_order());
        };
        let role = Role::from_str(name, true).map_err(|_| no_order())?;
        match verb {
            "stop" => Ok(Self::Stop(role)),
            "start" => Ok(Self::Start(role)),
            _ => Err(no_order()),
        }
    }
}

/// Reads the lines of standard input.
#[derive(Debug)]
pub struct Console(mpsc::UnboundedReceiver<String>);

impl Console {
    /// Starts a thread that reads standard input.
    pub fn open() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        // Reads in a separate thread, since a blocking read cannot be interrupted. The thread ends with the process.
        std::thread::spawn(move || {
            while let Some(line) = next_line() {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// Returns a console that reads from a channel instead of standard input.
    #[cfg(test)]
    pub(crate) fn of(lines: mpsc::UnboundedReceiver<String>) -> Self {
        Self(lines)
    }

    /// Returns the next line, or `None` after the end of standard input.
    pub(crate) async fn line(&mut self) -> Option<String> {
        self.0.recv().await
    }

    /// Discards the lines that were read but not yet returned.
    pub(crate) fn discard_lines(&mut self) {
        while self.0.try_recv().is_ok() {}
    }

    /// Returns the command on the next line that is not empty. Never returns after the end of standard input.
    ///
    /// # Errors
    ///
    /// Returns [`NoOrder`] if the line is not a known command. The error's text is a message for the terminal.
    pub async fn typed(&mut self) -> Result<Order, NoOrder> {
        loop {
            match self.line().await {
                Some(line) if line.trim().is_empty() => (),
                Some(line) => return line.parse(),
                None => std::future::pending().await,
            }
        }
    }
}

fn next_line() -> Option<String> {
    let stdin = io::stdin();
    while stdin.is_terminal() && !is_in_foreground(&stdin)? {
        // If a background process reads from the terminal, the system suspends the process.
        std::thread::sleep(Duration::from_millis(500));
    }
    let mut line = Vec::new();
    match stdin.lock().read_until(b'\n', &mut line) {
        // Invalid UTF-8 becomes `�`, so the line is reported as an unknown command.
        Ok(1..) => Some(String::from_utf8_lossy(&line).into_owned()),
        Ok(0) | Err(_) => None,
    }
}

/// Waits for input on the terminal, and returns whether this process is in the foreground.
fn is_in_foreground(stdin: &io::Stdin) -> Option<bool> {
    let mut readable = [PollFd::new(stdin, PollFlags::IN)];
    // Retries the call if a signal interrupts it, such as SIGCHLD when a service exits.
    retry_on_intr(|| poll(&mut readable, None)).ok()?;
    Some(tcgetpgrp(stdin).ok()? == getpgrp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_a_verb_and_a_service() {
        assert_eq!("stop inventory".parse(), Ok(Order::Stop(Role::Inventory)));
        assert_eq!(
            "  start   Checkout\n".parse(),
            Ok(Order::Start(Role::Checkout))
        );
    }

    #[test]
    fn unknown_command_lists_known_commands() {
        for line in ["stop", "inventory", "kill inventory", "stop jaeger", "quit"] {
            let error = line.parse::<Order>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{line}`")), "{error}");
            assert!(error.contains("`stop inventory`"), "{error}");
        }
    }
}
