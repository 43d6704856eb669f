//! A [`Waterfall`] as text for a terminal.

use std::fmt::Write as _;

use viewer::waterfall::{Position, Row, Waterfall, human_duration};

use crate::terminal::{Ink, Screen};

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
    /// Fits the columns into the terminal width. Errors do not have a column: space for the longest error is reserved
    /// at the end of the line.
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
    let mark = match row.position {
        Position::Orphan => "? ",
        Position::Root | Position::Child => "",
    };
    format!("{}{mark}{}", "  ".repeat(row.depth), row.span.span.name)
}

fn note(row: &Row) -> String {
    let error = row.error().map(|error| format!("✗ {error}"));
    let orphan = (row.position == Position::Orphan).then(|| "parent missing".to_owned());
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
    use viewer::testing::{span, trace};

    fn picture(screen: Screen) -> String {
        let trace = trace(vec![
            span("checkout", 1, None, "POST /checkout", 0..1_000_000),
            span("inventory", 2, Some(1), "GET /check", 500_000..1_000_000).failed("panic"),
            span("inventory", 3, Some(9), "lost", 0..0),
        ]);
        draw(&Waterfall::of(&trace), screen)
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
    fn narrowest_screen_still_shows_every_span() {
        let picture = picture(Screen {
            width: 1,
            ..Screen::PLAIN
        });
        assert_eq!(picture.lines().count(), 3, "{picture}");
    }

    #[test]
    fn picture_without_color_has_no_escape_codes() {
        assert!(!picture(Screen::PLAIN).contains('\x1b'));
        let color = Screen {
            color: true,
            ..Screen::PLAIN
        };
        assert!(picture(color).contains('\x1b'));
    }
}
