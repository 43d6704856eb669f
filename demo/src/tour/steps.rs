//! The pauses of `tour --step`: after each scene, the tour waits until Enter is pressed.

use std::io::{IsTerminal as _, stdin};
use std::time::{Duration, Instant};

use crate::console::Console;
use crate::logs::print;
use crate::terminal::{Ink, Screen};

/// Waits for Enter after each scene, if `--step` is set.
pub(super) struct Steps {
    /// `None` if the tour does not wait for Enter.
    console: Option<Console>,
    screen: Screen,
    /// Total time spent waiting for Enter.
    pub(super) waited: Duration,
}

impl Steps {
    /// Returns a value that waits for Enter if `--step` is set and standard input is a terminal.
    pub(super) fn new(step: bool, screen: Screen) -> Self {
        let wait = step && stdin().is_terminal();
        if step && !wait {
            let notice = "Standard input is not a terminal, so --step does not wait for Enter.";
            print(&screen.prose(notice));
            print("");
        }
        Self::with(wait.then(Console::open), screen)
    }

    fn with(console: Option<Console>, screen: Screen) -> Self {
        Self {
            console,
            screen,
            waited: Duration::ZERO,
        }
    }

    /// Waits until Enter is pressed. Ignores lines that were typed before this call. At the end of standard input,
    /// returns immediately.
    pub(super) async fn pause(&mut self) {
        let Some(console) = &mut self.console else {
            return;
        };
        console.discard_lines();
        let begun = Instant::now();
        let prompt = "\nPress Enter to continue, or Ctrl-C to stop.";
        print(&self.screen.paint(Ink::Dim, prompt));
        if console.line().await.is_none() {
            self.console = None;
        }
        self.waited += begun.elapsed();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn pause_waits_for_line_typed_after_prompt() {
        let (typed, lines) = mpsc::unbounded_channel();
        let mut steps = Steps::with(Some(Console::of(lines)), Screen::PLAIN);
        typed.send("typed during the scene\n".to_owned()).unwrap();
        for _ in 0..2 {
            let mut pause = pin!(steps.pause());
            assert!((&mut pause).now_or_never().is_none());
            typed.send("\n".to_owned()).unwrap();
            pause.await;
        }
    }

    #[tokio::test]
    async fn pause_returns_after_input_ends() {
        let (typed, lines) = mpsc::unbounded_channel();
        let mut steps = Steps::with(Some(Console::of(lines)), Screen::PLAIN);
        drop(typed);
        steps.pause().await;
        steps.pause().await;
    }
}
