//! Renders the list of traces.

use std::sync::Arc;

use maud::{Markup, html};

use super::filter::Filter;
use super::state::Viewer;
use super::text::{self, clock, count, service, shown, zone};
use super::trace::pitfall_badge;
use crate::related::loser;
use crate::store::Lost;
use crate::summary::Summary;
use crate::waterfall::human_duration;

/// Number of traces per page.
const PAGE: usize = 100;
/// Number of digits shown of a trace id, enough to distinguish the traces of a page.
const SHORT_ID: usize = 8;

/// Renders the main content of the page.
pub(super) fn main(viewer: &Viewer, filter: &Filter) -> Markup {
    let all = viewer.summaries.all();
    let found: Vec<_> = all
        .iter()
        .filter(|trace| filter.matches(trace, &viewer.store))
        .collect();
    let before = filter.before.unwrap_or(u64::MAX);
    let mut older = found.iter().filter(|trace| trace.start < before);
    let page: Vec<&Arc<Summary>> = older.by_ref().take(PAGE).copied().collect();
    let rest = older.count();
    let pitfalls = all.iter().filter(|trace| trace.pitfall.is_some());
    let pitfalls: Vec<_> = pitfalls.cloned().collect();
    html! {
        div.title {
            h1 { "Traces" }
            p.hint {
                @if filter.is_narrow() { (found.len()) " of " }
                (count(all.len(), "trace")) ", the newest first; times are " (zone())
            }
        }
        (form(filter, &viewer.store.services()))
        (losses(viewer.store.lost()))
        @if all.is_empty() {
            p.note.wait { "No span has arrived yet. Send a request to checkout, and its trace appears here within a second." }
        } @else if page.is_empty() {
            p.note.wait { "No trace here is like that. " a href="/" { "Show all" } }
        }
        ol.traces { @for trace in &page { (row(trace, loser(trace, &pitfalls))) } }
        nav.pages aria-label="Older and newer" {
            @if filter.before.is_some() { a href=(filter.link(None)) { "newest" } }
            @if let Some(last) = page.last().filter(|_| rest > 0) {
                a rel="next" href=(filter.link(Some(last.start))) { (rest) " older" }
            }
        }
    }
}

fn form(filter: &Filter, services: &[String]) -> Markup {
    html! {
        form.search role="search" method="get" action="/" data-live="" {
            label { "Find " input #q type="search" name="q" value=(filter.text)
                placeholder="trace id, name, attribute, log line" autocomplete="off" spellcheck="false"; }
            label { "Service "
                select name="service" {
                    option value="" { "any" }
                    @for name in services { option value=(name) selected[*name == filter.service] { (shown(name, 60)) } }
                }
            }
            label { "At least " input.short type="text" name="min" value=(filter.at_least) placeholder="250ms"
                autocomplete="off" aria-invalid=[filter.mistake.map(|_| "true")]; }
            label { input type="checkbox" name="error" value="1" checked[filter.only_failed]; " failed only" }
            noscript { button { "Search" } }
            @if let Some(mistake) = filter.mistake { span.hint { (mistake) } }
        }
    }
}

fn row(trace: &Summary, loser: Option<&Arc<Summary>>) -> Markup {
    let id = trace.id.to_string();
    let path = trace
        .path
        .as_deref()
        .filter(|path| !trace.name.ends_with(path));
    let failed = trace.failure.is_some();
    html! {
        li id=(id) class=[failed.then_some("bad")] {
            a.r href={ "/trace/" (id) } {
                (clock(trace.start))
                span.name {
                    bdi { (shown(&trace.name, text::LINE)) }
                    @if let Some(pitfall) = &trace.pitfall { " " (pitfall_badge(pitfall)) }
                    @else if let Some(pitfall) = loser.and_then(|loser| loser.pitfall.as_ref()) {
                        " " em { "lost by pitfall " bdi { (shown(&pitfall.name, 60)) } }
                    }
                    @else if let Some(path) = path { " " bdi.path { (shown(path, text::LINE)) } }
                }
                span.status.bad[failed] {
                    (shown(trace.status.as_deref().unwrap_or(""), 20))
                }
                span.t { (human_duration(trace.duration)) }
                span.more {
                    @for name in &trace.services { (service(name)) }
                    span { (count(trace.spans, "span")) }
                    @if trace.errors > 0 { strong { (count(trace.errors, "error")) } }
                    @if trace.is_split { em { "not joined" } }
                    code { (id[..SHORT_ID]) }
                }
                @if let Some(failure) = &trace.failure {
                    span.first { bdi { (shown(&failure.text(), text::LINE)) } }
                }
            }
        }
    }
}

fn losses(lost: Lost) -> Markup {
    html! {
        @if lost != Lost::default() {
            p.hint {
                "Let go so far: " (lost.evicted_traces) " older traces with " (lost.evicted_spans)
                " spans to make room, and " (lost.refused_spans) " spans refused."
            }
        }
    }
}
