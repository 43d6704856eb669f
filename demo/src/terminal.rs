//! Output for a terminal: its width and colors.

use std::io::IsTerminal;

/// The width and colors of the output.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Width in characters.
    pub width: usize,
    /// Whether to use colors.
    pub color: bool,
}

/// The style of a piece of text.
#[derive(Clone, Copy, Debug)]
pub enum Ink {
    /// Style of a heading.
    Bold,
    /// Style of secondary information.
    Dim,
    /// Style of a success message.
    Good,
    /// Style of a failure message.
    Bad,
    /// The color of the service with this index.
    Service(usize),
}

const DEFAULT_WIDTH: usize = 100;
/// Maximum width of prose, for readability.
const LONGEST_LINE: usize = 110;
/// ANSI codes of the service colors: cyan, yellow, magenta, blue and green. Red is reserved for errors.
const SERVICE_COLORS: [&str; 5] = ["36", "33", "35", "34", "32"];

impl Screen {
    /// Default width, without colors.
    pub const PLAIN: Self = Self {
        width: DEFAULT_WIDTH,
        color: false,
    };

    /// Returns the width and colors of standard output. The width is that of `COLUMNS` or the terminal. Colors need a
    /// terminal without `NO_COLOR`, `CLICOLOR=0` or `TERM=dumb`.
    pub fn stdout() -> Self {
        let stdout = std::io::stdout();
        let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
        let terminal = || {
            let size = rustix::termios::tcgetwinsize(&stdout).ok()?;
            Some(usize::from(size.ws_col)).filter(|&width| width > 0)
        };
        Self {
            width: columns.or_else(terminal).unwrap_or(DEFAULT_WIDTH),
            color: stdout.is_terminal() && wants_color(|name| std::env::var(name).ok()),
        }
    }

    /// Wraps paragraphs at the width of the screen, or at a smaller width for readability if the screen is wide.
    pub fn prose(self, text: &str) -> String {
        let width = self.width.clamp(20, LONGEST_LINE);
        let paragraph = |text: &str| {
            let words: Vec<_> = text.split_whitespace().collect();
            textwrap::fill(&words.join(" "), width)
        };
        let paragraphs: Vec<_> = text.trim().split("\n\n").map(paragraph).collect();
        paragraphs.join("\n\n")
    }

    /// Formats a term followed by its description, which is indented on every line.
    pub fn entry(self, term: &str, text: &str) -> String {
        let term = format!("{term:<8} ");
        let width = self.width.clamp(20, LONGEST_LINE);
        let indent = " ".repeat(term.len());
        let options = textwrap::Options::new(width)
            .initial_indent(&term)
            .subsequent_indent(&indent);
        textwrap::fill(text, options)
    }

    /// Returns the text in this style, or unchanged if colors are disabled.
    pub fn paint(self, ink: Ink, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Good => "32",
            Ink::Bad => "1;31",
            Ink::Service(index) => SERVICE_COLORS[index % SERVICE_COLORS.len()],
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Returns whether the environment variables allow colors on a terminal.
fn wants_color(variable: impl Fn(&str) -> Option<String>) -> bool {
    let no_color = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let off = variable("CLICOLOR").is_some_and(|value| value == "0");
    let dumb = variable("TERM").is_some_and(|term| term == "dumb");
    !(no_color || off || dumb)
}

#[cfg(test)]
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
        ] {
            let variable = |asked: &str| (asked == name).then(|| value.to_owned());
            assert_eq!(wants_color(variable), wanted, "{name}={value}");
        }
    }

    #[test]
    fn wrapped_prose_keeps_words_and_paragraphs() {
        let text = "One two three four five\nsix seven.\n\nEight nine ten eleven twelve.";
        for width in [20, 40, 200] {
            let screen = Screen {
                width,
                ..Screen::PLAIN
            };
            let prose = screen.prose(text);
            let longest = prose.lines().map(|line| line.chars().count()).max();
            assert!(longest.unwrap() <= width, "{width}:\n{prose}");
            assert_eq!(prose.split("\n\n").count(), 2, "{prose}");
            assert!(prose.split_whitespace().eq(text.split_whitespace()));
        }
    }

    #[test]
    fn entry_hangs_from_its_term() {
        let screen = Screen {
            width: 20,
            ..Screen::PLAIN
        };
        assert_eq!(
            screen.entry("mistake", "one two three four"),
            "mistake  one two\n         three four"
        );
    }
}
