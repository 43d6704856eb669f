//! Output for a terminal: its width and colours, and a [`Waterfall`] as text.

use std::fmt::Write as _;
use std::io::IsTerminal;

use crate::waterfall::{Place, Row, Waterfall, human_duration};

/// The width and colours of the output.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Characters in a line.
    pub width: usize,
    /// Whether to use colours.
    pub colour: bool,
}

/// The style of a piece of text.
#[derive(Clone, Copy, Debug)]
pub enum Ink {
    /// A heading.
    Bold,
    /// Secondary information.
    Dim,
    /// A success.
    Good,
    /// A failure.
    Bad,
    /// The colour of the service with this index.
    Service(usize),
}

const DEFAULT_WIDTH: usize = 100;
/// Maximum width of prose, for readability.
const LONGEST_LINE: usize = 110;
/// Cyan, yellow, magenta, blue and green. Red is reserved for errors.
const SERVICE_COLOURS: [&str; 5] = ["36", "33", "35", "34", "32"];

impl Screen {
    /// Default width, without colours.
    pub const PLAIN: Self = Self {
        width: DEFAULT_WIDTH,
        colour: false,
    };

    /// Returns the width and colours of standard output. The width is that of `COLUMNS` or the terminal. Colours need a
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
            colour: stdout.is_terminal() && wants_colour(|name| std::env::var(name).ok()),
        }
    }

    /// Wraps paragraphs at the width of the screen, or less for readability.
    pub fn prose(self, text: &str) -> String {
        let width = self.width.clamp(20, LONGEST_LINE);
        let paragraph = |text: &str| {
            let words: Vec<_> = text.split_whitespace().collect();
            textwrap::fill(&words.join(" "), width)
        };
        let paragraphs: Vec<_> = text.trim().split("\n\n").map(paragraph).collect();
        paragraphs.join("\n\n")
    }

    /// Formats a term and its description, which is indented on every line.
    pub fn entry(self, term: &str, text: &str) -> String {
        let term = format!("{term:<8} ");
        let width = self.width.clamp(20, LONGEST_LINE);
        let indent = " ".repeat(term.len());
        let options = textwrap::Options::new(width)
            .initial_indent(&term)
            .subsequent_indent(&indent);
        textwrap::fill(text, options)
    }

    /// Returns the text in that style, or unchanged without colours.
    pub fn paint(self, ink: Ink, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Good => "32",
            Ink::Bad => "1;31",
            Ink::Service(index) => SERVICE_COLOURS[index % SERVICE_COLOURS.len()],
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Returns whether the environment variables allow colours on a terminal.
fn wants_colour(variable: impl Fn(&str) -> Option<String>) -> bool {
    let no_colour = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let off = variable("CLICOLOR").is_some_and(|value| value == "0");
    let dumb = variable("TERM").is_some_and(|term| term == "dumb");
    !(no_colour || off || dumb)
}

/// Draws the waterfall, one line per span: service, kind, name, bar, duration, error.
pub fn draw(waterfall: &Waterfall, screen: Screen) -> String {
    let columns = Columns::fit(waterfall, screen.width);
    let mut picture = String::new();
    for row in &waterfall.rows {
        line(&mut picture, waterfall, row, &columns, screen);
    }
    picture
}

struct Columns {
    service: usize,
    kind: usize,
    name: usize,
    bar: usize,
}

const DURATION: usize = 9;
const SHORTEST_BAR: usize = 8;
const SHORTEST_NAME: usize = 16;

impl Columns {
    /// Fits the columns into the width. Errors have no column: the width of the longest one is reserved at the line's end.
    fn fit(waterfall: &Waterfall, width: usize) -> Self {
        let widest = |of: &dyn Fn(&Row) -> usize| waterfall.rows.iter().map(of).max().unwrap_or(0);
        let service = widest(&|row| waterfall.services[row.service].chars().count()).min(20);
        let kind = widest(&|row| row.kind().len());
        let name = widest(&|row| name(row).chars().count());
        let note = widest(&|row| note(row).chars().count()).min(24);
        let rest = width.saturating_sub(service + kind + DURATION + note + 5);
        let name = name.min(rest.saturating_sub(SHORTEST_BAR).max(SHORTEST_NAME));
        Self {
            service,
            kind,
            name,
            bar: rest.saturating_sub(name).max(SHORTEST_BAR),
        }
    }
}

fn line(picture: &mut String, waterfall: &Waterfall, row: &Row, columns: &Columns, screen: Screen) {
    let service = cut(&waterfall.services[row.service], columns.service);
    let ink = Ink::Service(row.service);
    let text = format!(
        "{} {} {} {} {:>DURATION$} {}",
        screen.paint(ink, &format!("{service:<0$}", columns.service)),
        screen.paint(Ink::Dim, &format!("{:<1$}", row.kind(), columns.kind)),
        format_args!("{:<1$}", cut(&name(row), columns.name), columns.name),
        screen.paint(ink, &bar(row, columns.bar)),
        human_duration(row.duration()),
        screen.paint(Ink::Bad, &note(row)),
    );
    let _ = writeln!(picture, "{}", text.trim_end());
}

fn name(row: &Row) -> String {
    let mark = match row.place {
        Place::Orphan => "? ",
        Place::Root | Place::Child => "",
    };
    format!("{}{mark}{}", "  ".repeat(row.depth), row.span.span.name)
}

fn note(row: &Row) -> String {
    let error = row.error().map(|error| format!("✗ {error}"));
    let orphan = (row.place == Place::Orphan).then(|| "parent missing".to_owned());
    [error, orphan]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "fractions between 0 and 1 of a line's width"
)]
fn bar(row: &Row, width: usize) -> String {
    let cells = width as f64;
    let length = (row.width * cells).round() as usize;
    let before = ((row.offset * cells) as usize).min(width - length.clamp(1, width));
    let filled = match length {
        0 => "▏".to_owned(),
        _ => "█".repeat(length.min(width)),
    };
    let after = width - before - length.clamp(1, width);
    format!("{}{filled}{}", " ".repeat(before), " ".repeat(after))
}

/// Shortens the text with an ellipsis if it is too wide.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{span, trace};

    fn picture(screen: Screen) -> String {
        let trace = trace(vec![
            span("checkout", 1, None, "POST /checkout", 0..1_000_000),
            span("inventory", 2, Some(1), "GET /check", 500_000..1_000_000).failed("panic"),
            span("inventory", 3, Some(9), "lost", 0..0),
        ]);
        draw(&Waterfall::of(&trace), screen)
    }

    #[test]
    fn colour_is_off_for_each_variable() {
        for (name, value, wanted) in [
            ("TERM", "xterm-256color", true),
            ("TERM", "dumb", false),
            ("NO_COLOR", "1", false),
            ("NO_COLOR", "", true),
            ("CLICOLOR", "0", false),
        ] {
            let variable = |asked: &str| (asked == name).then(|| value.to_owned());
            assert_eq!(wants_colour(variable), wanted, "{name}={value}");
        }
    }

    #[test]
    fn line_tells_service_kind_name_duration_and_error() {
        let picture = picture(Screen::PLAIN);
        let lines: Vec<_> = picture.lines().collect();
        assert!(lines[0].starts_with("checkout  INTERNAL POST /checkout"));
        assert!(lines[0].ends_with("1.0 ms"), "{picture}");
        assert!(lines[1].contains("  GET /check"), "{picture}");
        assert!(lines[1].ends_with("500 µs ✗ panic"), "{picture}");
        assert!(lines[2].contains("? lost"), "{picture}");
        assert!(lines[2].ends_with("parent missing"), "{picture}");
    }

    #[test]
    fn bars_begin_where_the_span_begins() {
        let picture = picture(Screen::PLAIN);
        let bars: Vec<_> = picture.lines().map(|line| line.find(['█', '▏'])).collect();
        assert!(bars[0] < bars[1], "{picture}");
        assert_eq!(bars[0], bars[2], "{picture}");
    }

    #[test]
    fn lines_fit_the_width_they_are_given() {
        for width in [80, 100, 200] {
            let picture = picture(Screen {
                width,
                ..Screen::PLAIN
            });
            let longest = picture.lines().map(|line| line.chars().count()).max();
            assert!(longest.unwrap() <= width, "{width}:\n{picture}");
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

    #[test]
    fn narrowest_screen_still_shows_every_span() {
        let picture = picture(Screen {
            width: 1,
            ..Screen::PLAIN
        });
        assert_eq!(picture.lines().count(), 3, "{picture}");
    }

    #[test]
    fn no_colour_means_no_escape_codes() {
        assert!(!picture(Screen::PLAIN).contains('\x1b'));
        let colour = Screen {
            colour: true,
            ..Screen::PLAIN
        };
        assert!(picture(colour).contains('\x1b'));
    }
}
