//! Renders the waterfall: one row per span, with details on request.

use std::collections::HashMap;
use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::details;
use super::text::{self, color, count};
use super::trace_page::TracePage;
use crate::attributes::hex;
use crate::waterfall::critical::CriticalPath;
use crate::waterfall::{Position, Row, fraction, human_duration};

/// Maximum indentation, so that the names in deeply nested rows stay visible.
const DEEPEST_INDENT: usize = 15;
/// Maximum characters of a name in its row.
const NAME: usize = 120;
/// Maximum number of marks in a row; more marks could not be distinguished.
const MARKS: usize = 50;

/// Number of rows that the browser lays out together when they come near the screen. Laying out thousands of rows
/// together makes scrolling slow.
const CHUNK: usize = 100;

pub(super) fn waterfall(shown: &TracePage<'_>) -> Markup {
    let path = CriticalPath::of(&shown.waterfall);
    let lines = line_times(shown);
    let rows = visible(shown);
    html! {
        section.waterfall aria-label="Waterfall" {
            div.axis aria-hidden="true" {
                span { "service, kind, span" }
                (ticks(shown.waterfall.duration))
                span.t { "duration" }
            }
            @for (number, chunk) in rows.chunks(CHUNK).enumerate() {
                ol.rows id={ "rows-" (number) } {
                    @for &at in chunk { (one(shown, at, &path, &lines)) }
                }
            }
            (legend())
        }
    }
}

/// Renders the legend, which explains the marks on the bars.
fn legend() -> Markup {
    html! {
        p.legend {
            span { i {} "critical path: the spans that set the total duration" }
            span { i.line {} "log line" }
            span { i.event {} "event" }
            span { i.bad {} "exception" }
        }
    }
}

/// Returns the rows that are not hidden below a folded row, or only the row that the script requested.
fn visible(shown: &TracePage<'_>) -> Vec<usize> {
    let mut folded_at = usize::MAX;
    let rows = shown.waterfall.rows.iter().enumerate();
    let rows = rows.filter(|(_, row)| {
        let is_visible = row.depth <= folded_at;
        if is_visible {
            folded_at = if is_folded(shown, row) {
                row.depth
            } else {
                usize::MAX
            };
        }
        is_visible && shown.view.only.is_none_or(|only| only == row.span.id)
    });
    rows.map(|(at, _)| at).collect()
}

fn is_folded(shown: &TracePage<'_>, row: &Row) -> bool {
    row.below > 0 && shown.view.folded.contains(&row.span.id)
}

fn one(shown: &TracePage<'_>, at: usize, path: &CriticalPath, lines: &LineTimes) -> Markup {
    let row = &shown.waterfall.rows[at];
    let id = hex(&row.span.id);
    let from = &shown.waterfall.services[row.service];
    let error = row.error();
    let open = shown.view.open.contains(&row.span.id);
    let folded = is_folded(shown, row);
    let mut class = format!("s{} d{}", color(from), row.depth.min(DEEPEST_INDENT));
    if error.is_some() {
        class.push_str(" bad");
    }
    if shown.view.matches(row) {
        class.push_str(" hit");
    }
    let orphan = match (row.position, shown.is_arriving()) {
        (Position::Orphan, true) => Some("parent not here yet"),
        (Position::Orphan, false) => Some("parent missing"),
        _ => None,
    };
    html! {
        li id=(id) class=(class) {
            @if row.below > 0 {
                a.f href=(shown.view.with_folded(row.span.id)) aria-expanded=(!folded)
                    aria-label={ (count(row.below, "span")) " below" } { (if folded { "▸" } else { "▾" }) }
            }
            a.r href=(shown.view.with_toggled(row.span.id)) aria-expanded=(open) {
                span.n {
                    b { (text::shown(from, 40)) }
                    " " i { (row.kind()) } " "
                    bdi { (text::shown(&row.span.span.name, NAME)) }
                    @if folded { " " em { "+" (row.below) } }
                    @if let Some(orphan) = orphan { " " em { (orphan) } }
                    @if let Some(error) = &error { " " strong { (text::shown(error, 40)) } }
                }
                (bar(shown, row, at, path, lines))
                span.t { (human_duration(row.duration())) }
            }
            @if open { (details::of(shown, row, path.time(at))) }
        }
    }
}

/// Renders the bar of a span and its marks. The markup contains only numbers, so nothing needs escaping.
fn bar(
    shown: &TracePage<'_>,
    row: &Row,
    at: usize,
    path: &CriticalPath,
    lines: &LineTimes,
) -> Markup {
    let place = |time: u64| {
        let since = time.saturating_sub(shown.waterfall.start);
        100.0 * fraction(since, shown.waterfall.duration).min(1.0)
    };
    let mut svg = String::from("<svg aria-hidden=true>");
    // A very short bar is drawn with a minimum width. At the right edge, the bar starts earlier to make room for this
    // width.
    let (left, width) = (row.offset * 100.0, row.width * 100.0);
    let _ = write!(
        svg,
        "<rect class=b x={:.2}% width={:.2}% />",
        left.min(99.7),
        width.max(0.3)
    );
    for piece in path.pieces(at) {
        let (left, width) = (piece.offset * 100.0, piece.width * 100.0);
        let _ = write!(svg, "<rect class=c x={left:.2}% width={width:.2}% />");
    }
    for &time in lines
        .get(&hex(&row.span.id))
        .into_iter()
        .flatten()
        .take(MARKS)
    {
        let _ = write!(svg, "<rect class=l x={:.2}% />", place(time));
    }
    for event in row.span.span.events.iter().take(MARKS) {
        let class = if event.name == "exception" {
            "e x"
        } else {
            "e"
        };
        let _ = write!(
            svg,
            "<circle class='{class}' cx={:.2}% />",
            place(event.time_unix_nano)
        );
    }
    svg.push_str("</svg>");
    PreEscaped(svg)
}

/// Times of log lines, by span id.
type LineTimes = HashMap<String, Vec<u64>>;

fn line_times(shown: &TracePage<'_>) -> LineTimes {
    let mut times = LineTimes::new();
    for line in shown.lines {
        if let (Some(span), Some(time)) = (line.span_id(), line.time()) {
            times.entry(span.to_owned()).or_default().push(time);
        }
    }
    times
}

/// Renders five time labels on the axis.
fn ticks(duration: u64) -> Markup {
    html! {
        span.ticks {
            @for quarter in 0..=4 {
                span class={ "q" (quarter) } {
                    @match duration / 4 * quarter { 0 => "0", time => (human_duration(time)) }
                }
            }
        }
    }
}
