//! The page of a trace: first failure, facts, notes, and the waterfall, whose rows are rendered by `rows`.

use std::sync::Arc;
use std::time::Duration;

use maud::{Markup, html};

use super::text::{self, count, date_and_time, service, shown};
use super::view::View;
use super::{details, lines, notes, rows};
use crate::attributes::{HTTP_RESPONSE_STATUS_CODE, hex};
use crate::failure::Failure;
use crate::log_line::LogLine;
use crate::related::Related;
use crate::store::{Trace, TraceId};
use crate::summary::{Pitfall, Summary};
use crate::waterfall::{Waterfall, human_duration};

/// Time after the last span during which more spans are expected. Exporters send every five seconds by default.
const ARRIVING: Duration = Duration::from_secs(10);
/// Interval at which the page of an unknown trace reloads, in case it misses the event.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Maximum number of traces offered for comparison.
const OFFERED: usize = 30;

/// A trace and the data of its page.
pub(super) struct Shown<'a> {
    pub(super) trace: &'a Trace,
    pub(super) waterfall: Waterfall,
    pub(super) lines: &'a [Arc<LogLine>],
    pub(super) related: &'a [Related],
    pub(super) all: &'a [Arc<Summary>],
    pub(super) view: &'a View,
    /// The address under which the viewer was requested.
    pub(super) host: Option<&'a str>,
}

/// Renders the page of an unknown trace.
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

impl<'a> Shown<'a> {
    pub(super) fn of(trace: &'a Trace) -> Self {
        const NOTHING: &View = &View::EMPTY;
        Self {
            trace,
            waterfall: Waterfall::of(trace),
            lines: &[],
            related: &[],
            all: &[],
            view: NOTHING,
            host: None,
        }
    }

    /// Returns the name of the trace and of its pitfall.
    pub(super) fn title(&self) -> String {
        let first = self.waterfall.first();
        let name = first.map_or("trace", |first| &first.span.span.name);
        match first.and_then(Pitfall::of) {
            Some(pitfall) => format!("{name}, {}", pitfall.text()),
            None => name.to_owned(),
        }
    }

    /// Returns the time after which the note on missing spans changes.
    pub(super) fn settles_in(&self) -> Option<Duration> {
        let age = self.trace.last_arrival.elapsed().unwrap_or_default();
        ARRIVING.checked_sub(age).filter(|rest| !rest.is_zero())
    }

    /// Returns whether more spans are expected.
    pub(super) fn is_arriving(&self) -> bool {
        self.settles_in().is_some()
    }

    pub(super) fn main(&self) -> Markup {
        let first = self.waterfall.first();
        let name = first.map_or("trace", |first| &first.span.span.name);
        let pitfall = first.and_then(Pitfall::of);
        let status = first.and_then(|first| first.attribute(HTTP_RESPONSE_STATUS_CODE));
        let failed = first.is_some_and(|first| first.error().is_some());
        html! {
            div.title {
                h1 { bdi { (shown(name, text::LINE)) } }
                @if let Some(status) = status { span.status.bad[failed] { (shown(&status, 20)) } }
                @if let Some(pitfall) = pitfall { (pitfall_badge(&pitfall)) }
                p.id { code { (self.trace.id) } (copy("copy id", &self.trace.id.to_string())) }
            }
            (self.first_failure())
            (self.facts())
            (notes::all(self))
            (notes::related(self))
            @if !self.view.embedded { (self.search()) }
            (rows::waterfall(self))
            (lines::section(self.lines, Some(&self.waterfall), self.view))
            @if !self.view.embedded {
                (details::resources(&self.waterfall))
                (self.take_along())
            }
        }
    }

    fn first_failure(&self) -> Markup {
        let failure = Failure::first_of(&self.waterfall, self.lines);
        html! {
            @if let Some(failure) = failure {
                p.failure {
                    a.go href=(self.view.at(failure.span)) data-span=(hex(&failure.span)) {
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

    fn facts(&self) -> Markup {
        let (date, time) = date_and_time(self.waterfall.start);
        let errors = self.waterfall.failed().count();
        html! {
            dl.facts {
                div.begun { dt { "begun" } dd { (date) " " (time) " UTC" } }
                div { dt { "duration" } dd { (human_duration(self.waterfall.duration)) } }
                div { dt { "spans" } dd { (self.trace.spans.len()) } }
                div { dt { "errors" } dd class=[(errors > 0).then_some("bad")] { (if errors == 0 { "none".to_owned() } else { errors.to_string() }) } }
                div { dt { "services" } dd { @for name in &self.waterfall.services { (service(name)) } } }
            }
        }
    }

    fn search(&self) -> Markup {
        let found = self
            .waterfall
            .rows
            .iter()
            .filter(|row| self.view.matches(row));
        html! {
            form.search role="search" method="get" data-live="" {
                label { "Find in spans " input #q type="search" name="q" value=(self.view.search)
                    placeholder="name, attribute, error" autocomplete="off" spellcheck="false"; }
                @for (name, value) in self.view.hidden() { input type="hidden" name=(name) value=(value); }
                @if !self.view.search.is_empty() { span.hint { (count(found.count(), "span")) " found" } }
            }
        }
    }

    fn take_along(&self) -> Markup {
        let id = self.trace.id;
        let host = self.host.unwrap_or("localhost:16686");
        let curl = format!("curl -s http://{host}/api/v3/traces/{id}");
        let title = self.title();
        let mut offered: Vec<_> = self.all.iter().filter(|other| other.id != id).collect();
        let first = self.waterfall.first();
        let name = first.map_or("", |first| &first.span.span.name);
        let pitfall = first.and_then(Pitfall::of);
        // The other form of a pitfall first, then traces with the same name, newest first.
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
                                    option value=(other.id) {
                                        (date_and_time(other.start).1) " " (shown(&other.title(), 60)) " "
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
}

pub(super) fn pitfall_badge(pitfall: &Pitfall) -> Markup {
    html! {
        span.pitfall.fixed[pitfall.fixed] {
            "pitfall " bdi { (shown(&pitfall.name, 60)) }
            b { (if pitfall.fixed { "fixed" } else { "broken" }) }
        }
    }
}

/// A button that needs the script, and is hidden without it.
fn copy(label: &str, text: &str) -> Markup {
    html! { button.copy type="button" data-copy=(text) { (label) } }
}
