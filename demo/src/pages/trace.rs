//! One trace: its facts, what is odd about it, and the waterfall, whose rows `span` makes.

#![expect(
    clippy::format_collect,
    reason = "a handful of pieces a page, and so the HTML can be read"
)]

use std::time::Duration;

use super::{Escaped, date_and_time, service, span};
use crate::store::{Trace, TraceId};
use crate::waterfall::{Place, Waterfall, human_duration};

/// A trace whose last span is younger than this may not be complete: exporters send in batches.
const SETTLED_AFTER: Duration = Duration::from_secs(3);

/// Whether more spans are likely.
pub(super) fn is_arriving(trace: &Trace) -> bool {
    trace
        .last_arrival
        .elapsed()
        .is_ok_and(|age| age < SETTLED_AFTER)
}

/// What the page says of a trace that is not here.
pub(super) fn missing(id: TraceId) -> String {
    format!(
        "<nav><a href='/'>recent traces</a></nav><header><h1>Trace not found</h1><p class='hint mono'>{id}</p></header>
<p class=hint>No span of this trace is here. Services send their spans in batches, so it may only be on its way:
this page looks again every two seconds.</p>"
    )
}

/// What stands on the page.
pub(super) fn main(trace: &Trace, arriving: bool) -> String {
    let waterfall = Waterfall::of(trace);
    let name = waterfall.first().map_or("", |row| &row.span.span.name);
    let rows: String = waterfall
        .rows
        .iter()
        .map(|row| span::row(row, &waterfall))
        .collect();
    format!(
        "<nav><a href='/'>recent traces</a> <a href='/api/v3/traces/{id}'>as OTLP JSON</a></nav>
<header><h1>{name}</h1><p class='hint mono'>{id}</p></header>
<dl class=facts>{facts}</dl>
{notes}
<section class=waterfall>
<div class='row axis'><span>service, kind, span</span><span class=ticks>{ticks}</span><span></span></div>
{rows}</section>",
        id = trace.id,
        name = Escaped(name),
        facts = facts(trace, &waterfall, arriving),
        notes = notes(trace, &waterfall),
        ticks = ticks(waterfall.duration),
    )
}

fn facts(trace: &Trace, waterfall: &Waterfall, arriving: bool) -> String {
    let (date, time) = date_and_time(waterfall.start);
    let count = trace.spans.len();
    let so_far = if arriving { " so far" } else { "" };
    let errors = waterfall.rows.iter().filter(|row| row.error().is_some());
    let errors = match errors.count() {
        0 => "none".to_owned(),
        count => format!("<span class=badge>{count}</span>"),
    };
    let services: String = waterfall
        .services
        .iter()
        .map(|name| service(name))
        .collect();
    [
        ("begun", format!("{date} {time} UTC")),
        ("duration", human_duration(waterfall.duration)),
        ("spans", format!("{count}{so_far}")),
        ("errors", errors),
        ("services", services),
    ]
    .into_iter()
    .map(|(term, fact)| format!("<div><dt>{term}</dt><dd>{fact}</dd></div>"))
    .collect()
}

fn notes(trace: &Trace, waterfall: &Waterfall) -> String {
    let mut notes = Vec::new();
    let (roots, orphans) = (waterfall.count(Place::Root), waterfall.count(Place::Orphan));
    if orphans > 0 {
        let who = if orphans == 1 {
            "One span names".to_owned()
        } else {
            format!("{orphans} spans name")
        };
        notes.push(format!(
            "{who} a parent that is not in this trace: it is still on its way, was lost, or belongs to a caller that \
             does not send its spans here."
        ));
    }
    if roots > 1 {
        notes.push(format!(
            "This trace has {roots} roots: its context was not passed on somewhere."
        ));
    }
    if trace.dropped > 0 {
        notes.push(format!(
            "{} more spans arrived and were refused: this trace is full.",
            trace.dropped
        ));
    }
    notes
        .iter()
        .map(|note| format!("<p class=note>{note}</p>"))
        .collect()
}

/// Five marks on the time axis.
fn ticks(duration: u64) -> String {
    (0..=4)
        .map(|quarter| {
            let time = match duration / 4 * quarter {
                0 => "0".to_owned(),
                time => human_duration(time),
            };
            format!("<i style='left:{}%'>{time}</i>", quarter * 25)
        })
        .collect()
}
