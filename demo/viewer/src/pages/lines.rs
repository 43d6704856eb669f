//! Renders the log lines of a trace from all services, in order of time, with links to their spans.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use maud::{Markup, html};
use serde_json::Value;

use super::text::{self, clock, count, service, shown, zone};
use super::view::View;
use crate::attributes::{EXCEPTION_STACKTRACE, hex};
use crate::log_line::LogLine;
use crate::waterfall::{Row, Waterfall};

/// Renders the section of log lines, which is open if there are few lines.
pub(super) fn section(
    lines: &[Arc<LogLine>],
    waterfall: Option<&Waterfall>,
    view: &View,
) -> Markup {
    let rows = waterfall.iter().flat_map(|waterfall| &waterfall.rows);
    let by_id: Rows<'_> = rows.map(|row| (hex(&row.span.id), row)).collect();
    html! {
        @if !lines.is_empty() {
            section.logs aria-labelledby="logs" {
                details open[!view.embedded] {
                    summary { h2 #logs { "Log lines" } span.hint { (count(lines.len(), "line")) " with this trace id; times are " (zone()) } }
                    (list(lines.iter().map(AsRef::as_ref), Some((&by_id, view))))
                }
            }
        }
    }
}

/// Maps hexadecimal span ids, as in log lines, to rows of the waterfall.
type Rows<'a> = HashMap<String, &'a Row>;

/// Renders log lines. If the rows are given, each line links to its span.
pub(super) fn list<'a>(
    lines: impl Iterator<Item = &'a LogLine>,
    spans: Option<(&Rows<'_>, &View)>,
) -> Markup {
    html! {
        ol.lines {
            @for line in lines { (one(line, spans)) }
        }
    }
}

fn one(line: &LogLine, spans: Option<(&Rows<'_>, &View)>) -> Markup {
    let level = line.text("level").unwrap_or_default();
    let is_bad = matches!(level, "ERROR" | "WARN");
    html! {
        li class=[is_bad.then_some("bad")] {
            @match line.time() {
                Some(time) => (clock(time)),
                None => time { (shown(line.text("timestamp").unwrap_or_default(), 40)) },
            }
            " " span.level { (shown(level, 8)) }
            " " (service(&line.service))
            " " span.message {
                bdi { (shown(line.text("message").unwrap_or_default(), text::LINE)) }
                // The stack trace is omitted, since it is shown with the exception event of the span.
                @for (name, value) in line.own_fields().filter(|(name, _)| *name != EXCEPTION_STACKTRACE) { (field(name, value)) }
            }
            @if let Some((rows, view)) = spans { (span_link(line, rows, view)) }
        }
    }
}

fn field(name: &str, value: &Value) -> Markup {
    let value = match value {
        Value::String(text) => Cow::from(text),
        other => other.to_string().into(),
    };
    let first = value.lines().next().unwrap_or_default();
    html! {
        " " span.field {
            b { (shown(name, 60)) } "="
            bdi { (shown(first, text::LINE)) }
            @if value.len() > first.len() { " …" }
        }
    }
}

fn span_link(line: &LogLine, rows: &Rows<'_>, view: &View) -> Markup {
    let row = line.span_id().and_then(|id| rows.get(id));
    html! {
        @match row {
            Some(row) => {
                " " a.go href=(view.at(row.span.id)) data-span=(hex(&row.span.id)) { "at " bdi { (shown(&row.span.span.name, 60)) } }
            },
            None => { " " span.hint { "its span is not here" } },
        }
    }
}
