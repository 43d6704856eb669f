//! Renders the page of a trace: first failure, facts, notes, and the waterfall, whose rows are rendered by `rows`.
//! `trace_page` has the data of the page.

use std::sync::Arc;
use std::time::Duration;

use maud::{Markup, html};

use super::text::{self, count, moment, service, shown, time_of_day, timestamp};
use super::trace_page::TracePage;
use super::view::View;
use super::{details, lines, notes, rows};
use crate::attributes::{HTTP_RESPONSE_STATUS_CODE, hex};
use crate::failure::Failure;
use crate::log_line::LogLine;
use crate::store::TraceId;
use crate::summary::Pitfall;
use crate::waterfall::human_duration;

/// Interval at which the page of an unknown trace reloads, in case it misses the event for the first span.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Maximum number of traces offered for comparison.
const OFFERED: usize = 30;

/// Renders the page of a trace of which no span has arrived.
pub(super) fn waiting(id: TraceId, lines: &[Arc<LogLine>], view: &View) -> Markup {
    html! {
        h1 { "Waiting for spans" }
        p.hint { "of trace " code { (id) } "." }
        p.note.wait {
            "Services send their spans in batches once the work has ended, so these may be on their way: they appear here as \
             they come. If none does: is the id right, and was the request sampled?"
        }
        @if !view.embedded { (lines::section(lines, None, view)) }
    }
}

pub(super) fn main(page: &TracePage<'_>) -> Markup {
    let first = page.waterfall.first();
    let name = first.map_or("trace", |first| &first.span.span.name);
    let pitfall = first.and_then(Pitfall::of);
    let status = first.and_then(|first| first.attribute(HTTP_RESPONSE_STATUS_CODE));
    let failed = first.is_some_and(|first| first.error().is_some());
    html! {
        div.title {
            h1 { bdi { (shown(name, text::LINE)) } }
            @if let Some(status) = status { span.status.bad[failed] { (shown(&status, 20)) } }
            @if let Some(pitfall) = pitfall { (pitfall_badge(&pitfall)) }
            p.id { code { (page.trace.id) } (copy("copy id", &page.trace.id.to_string())) }
        }
        (first_failure(page))
        (facts(page))
        (notes::all(page))
        (notes::related(page))
        @if !page.view.embedded { (search(page)) }
        (rows::waterfall(page))
        (lines::section(page.lines, Some(&page.waterfall), page.view))
        @if !page.view.embedded {
            (details::resources(&page.waterfall))
            (take_along(page))
        }
    }
}

fn first_failure(page: &TracePage<'_>) -> Markup {
    let failure = Failure::first_of(&page.waterfall, page.lines);
    html! {
        @if let Some(failure) = failure {
            p.failure {
                a.go href=(page.view.at(failure.span)) data-span=(hex(&failure.span)) {
                    span.what { "What failed first" }
                    " "
                    strong { (shown(&failure.service, text::LINE)) ", " (shown(&failure.error, text::LINE)) }
                    ": "
                    bdi { (shown(&failure.words, 2 * text::LINE)) }
                }
            }
        }
    }
}

fn facts(page: &TracePage<'_>) -> Markup {
    let errors = page.waterfall.failed().count();
    html! {
        dl.facts {
            div.begun { dt { "begun" } dd { (moment(page.waterfall.start)) } }
            div { dt { "duration" } dd { (human_duration(page.waterfall.duration)) } }
            div { dt { "spans" } dd { (page.trace.spans.len()) } }
            div { dt { "errors" } dd class=[(errors > 0).then_some("bad")] { (if errors == 0 { "none".to_owned() } else { errors.to_string() }) } }
            div { dt { "services" } dd { @for name in &page.waterfall.services { (service(name)) } } }
        }
    }
}

fn search(page: &TracePage<'_>) -> Markup {
    let found = page
        .waterfall
        .rows
        .iter()
        .filter(|row| page.view.matches(row));
    html! {
        form.search role="search" method="get" data-live="" {
            label { "Find in spans " input #q type="search" name="q" value=(page.view.search)
                placeholder="name, attribute, error" autocomplete="off" spellcheck="false"; }
            @for (name, value) in page.view.hidden() { input type="hidden" name=(name) value=(value); }
            @if !page.view.search.is_empty() { span.hint { (count(found.count(), "span")) " found" } }
        }
    }
}

fn take_along(page: &TracePage<'_>) -> Markup {
    let id = page.trace.id;
    let host = page.host.unwrap_or("localhost:16686");
    let curl = format!("curl -s http://{host}/api/v3/traces/{id}");
    let title = page.title();
    let mut offered: Vec<_> = page.all.iter().filter(|other| other.id != id).collect();
    let first = page.waterfall.first();
    let name = first.map_or("", |first| &first.span.span.name);
    let pitfall = first.and_then(Pitfall::of);
    // Sorts the other variant of the same pitfall first, then traces with the same name, newest first.
    offered.sort_by_key(|other| {
        let twin = pitfall.as_ref().zip(other.pitfall.as_ref());
        let is_twin =
            twin.is_some_and(|(one, other)| one.name == other.name && one.fixed != other.fixed);
        (!is_twin, other.name != name)
    });
    offered.truncate(OFFERED);
    html! {
        section.take aria-labelledby="take" {
            h2 #take { "Take it along" }
            p { a href={ "/trace/" (id) "/otlp.json" } download={ "trace-" (id) ".json" } { "Download as OTLP JSON" } }
            p { "By curl: " code { (shown(&curl, text::LINE)) } (copy("copy", &curl)) }
            @if !offered.is_empty() {
                form method="get" action="/compare" {
                    input type="hidden" name="a" value=(id);
                    label { "Compare " bdi { (shown(&title, 60)) } " with "
                        select name="b" {
                            @for other in offered {
                                @let time = timestamp(other.start);
                                option value=(other.id) data-time=(time) {
                                    (time_of_day(&time)) " UTC " (shown(&other.title(), 60)) " "
                                    (other.status.as_deref().unwrap_or("")) " " (human_duration(other.duration))
                                }
                            }
                        }
                    }
                    " " button { "Compare" }
                }
            }
        }
    }
}

pub(super) fn pitfall_badge(pitfall: &Pitfall) -> Markup {
    html! {
        span.pitfall.fixed[pitfall.fixed] {
            "pitfall " bdi { (shown(&pitfall.name, 60)) }
            b { (if pitfall.fixed { "fixed" } else { "broken" }) }
        }
    }
}

/// Renders a copy button, which needs JavaScript and is hidden without it.
fn copy(label: &str, text: &str) -> Markup {
    html! { button.copy type="button" data-copy=(text) { (label) } }
}
