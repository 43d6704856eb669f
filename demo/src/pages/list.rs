//! The list of recent traces.

use std::fmt::Write as _;

use super::{Escaped, date_and_time, service};
use crate::store::{Lost, Trace};
use crate::waterfall::{Place, Waterfall, human_duration};

/// Digits of a trace id that tell it from the others on the page.
const SHORT_ID: usize = 8;

/// What stands on the page.
pub(super) fn main(traces: &[Trace], lost: Lost) -> String {
    if traces.is_empty() {
        return r"<header><h1>Recent traces</h1></header>
<p class=hint>No span has arrived yet. Send a request to checkout, and its trace appears here within a second.</p>"
            .to_owned();
    }
    let mut rows = String::new();
    for trace in traces {
        row(&mut rows, trace);
    }
    format!(
        r"<header><h1>Recent traces</h1>{}</header>
<table class=traces>
<thead><tr><th>time (UTC)<th>trace id<th>trace<th>services
<th class=number>spans<th class=number>duration<th></tr></thead>
<tbody>{rows}</tbody>
</table>",
        losses(lost)
    )
}

fn row(html: &mut String, trace: &Trace) {
    let waterfall = Waterfall::of(trace);
    let Some(first) = waterfall.first() else {
        return;
    };
    let services: String = waterfall
        .services
        .iter()
        .map(|name| service(name))
        .collect();
    let id = trace.id.to_string();
    let errors = waterfall.rows.iter().filter(|row| row.error().is_some());
    let errors = match errors.count() {
        0 => String::new(),
        1 => "<span class=badge>1 error</span>".to_owned(),
        count => format!("<span class=badge>{count} errors</span>"),
    };
    // One orphan that all others hang from is the rule when a caller sends its own traceparent.
    let split = waterfall.count(Place::Root) + waterfall.count(Place::Orphan) > 1;
    let split = if split {
        " <span class='badge warn'>not joined</span>"
    } else {
        ""
    };
    let _ = writeln!(
        html,
        "<tr><td class=mono>{time}<td class=mono><a href='/trace/{id}'>{short_id}</a>\
         <td><a href='/trace/{id}'>{name}</a><td>{services}<td class=number>{spans}<td class=number>{duration}<td>{errors}{split}</tr>",
        time = date_and_time(waterfall.start).1,
        short_id = &id[..SHORT_ID],
        name = Escaped(&first.span.span.name),
        spans = trace.spans.len(),
        duration = human_duration(waterfall.duration),
    );
}

fn losses(lost: Lost) -> String {
    if lost == Lost::default() {
        return String::new();
    }
    format!(
        "<p class=hint>Let go so far: {} older traces with {} spans to make room, and {} spans refused.</p>",
        lost.evicted_traces, lost.evicted_spans, lost.refused_spans
    )
}
