//! Renders the details of a span's row: everything that the span carries, and its log lines.

use maud::{Markup, html};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::Status;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::lines;
use super::text::{self, count, service, shown, zone};
use super::trace_page::TracePage;
use crate::attributes::{self, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, hex};
use crate::backtrace::Backtrace;
use crate::store::{Source, TraceId};
use crate::waterfall::{Row, Waterfall, human_duration};

/// Maximum number of entries shown of each list. The downloaded trace contains all of them.
const MAX_ENTRIES: usize = 200;

pub(super) fn of(page: &TracePage<'_>, row: &Row, critical: u64) -> Markup {
    let span = &row.span.span;
    let start = page.waterfall.start;
    let id = hex(&row.span.id);
    let own_lines = page.lines.iter();
    let own_lines: Vec<_> = own_lines
        .filter(|line| line.span_id() == Some(&id))
        .collect();
    let critical = match critical {
        0 => "not on it: to shorten this span shortens nothing".to_owned(),
        time => format!(
            "the trace waits {} for this span itself",
            human_duration(time)
        ),
    };
    let about = [
        ("span id", hex(&row.span.id)),
        (
            "parent",
            row.span
                .parent
                .map_or_else(|| "none".to_owned(), |id| hex(&id)),
        ),
        ("after", human_duration(row.since(start))),
        ("status", status(span.status.as_ref())),
        ("critical path", critical),
        ("tracestate", span.trace_state.clone()),
        ("dropped", dropped(row)),
    ];
    let about = about.iter().filter(|(_, value)| !value.is_empty());
    html! {
        div.details {
            @for event in span.events.iter().filter(|event| is_exception(event)).take(MAX_ENTRIES) { (exception(event, start)) }
            @if !own_lines.is_empty() {
                section.wide {
                    h2 { "Log lines in this span, times are " (zone()) }
                    (lines::list(own_lines.into_iter().map(AsRef::as_ref), None))
                }
            }
            section {
                h2 { "Attributes" }
                (table(&span.attributes))
                @if span.attributes.is_empty() { p.hint { "none" } }
            }
            @for event in span.events.iter().filter(|event| !is_exception(event)).take(MAX_ENTRIES) {
                section {
                    h2 { "Event " bdi { (shown(&event.name, text::LINE)) } }
                    p.hint { "after " (after(event, start)) }
                    (table(&event.attributes))
                }
            }
            @for link in span.links.iter().take(MAX_ENTRIES) { (linked(link)) }
            section {
                h2 { "Span" }
                table { tbody { @for (name, value) in about { tr { th scope="row" { (name) } td { (shown(value, text::LINE)) } } } } }
                p.hint {
                    "made by "
                    @match resource_number(&page.waterfall, &row.span.source) {
                        Some(number) if !page.view.embedded => a href={ "#resource-" (number) } { (shown(&row.span.source.service, text::LINE)) },
                        _ => (shown(&row.span.source.service, text::LINE)),
                    }
                    @if let Some(scope) = &row.span.source.scope {
                        @if !scope.name.is_empty() { ", scope " (shown(&scope.name, text::LINE)) " " (shown(&scope.version, 40)) }
                    }
                    @if !page.view.embedded {
                        " · " a href={ "?span=" (hex(&row.span.id)) "#" (hex(&row.span.id)) } { "link to this span" }
                    }
                }
            }
        }
    }
}

/// Renders the resources of the trace's spans, each listed once.
pub(super) fn resources(waterfall: &Waterfall) -> Markup {
    html! {
        section.resources aria-labelledby="resources" {
            h2 #resources { "Resources" }
            @for (at, source) in sources(waterfall).into_iter().enumerate() {
                details {
                    summary { (service(&source.service)) }
                    // The anchor is inside the `details` element, so that following a link to the anchor opens the
                    // element.
                    div id={ "resource-" (at) } {
                        @if let Some(resource) = &source.resource { (table(&resource.attributes)) }
                        @else { p.hint { "no resource was sent" } }
                    }
                }
            }
        }
    }
}

fn sources(waterfall: &Waterfall) -> Vec<&Source> {
    let mut sources: Vec<&Source> = Vec::new();
    for row in &waterfall.rows {
        let source = &*row.span.source;
        if !sources.iter().any(|known| same_process(known, source)) {
            sources.push(source);
        }
    }
    sources
}

fn resource_number(waterfall: &Waterfall, source: &Source) -> Option<usize> {
    sources(waterfall)
        .iter()
        .position(|known| same_process(known, source))
}

fn same_process(one: &Source, other: &Source) -> bool {
    one.service == other.service && one.resource == other.resource
}

fn is_exception(event: &Event) -> bool {
    event.name == "exception"
}

fn exception(event: &Event, start: u64) -> Markup {
    let of = |key| attributes::find(&event.attributes, key).unwrap_or_default();
    let stack = of(EXCEPTION_STACKTRACE);
    let rest = event.attributes.iter();
    html! {
        section.wide.exception {
            h2 { "Exception" }
            p { strong { bdi { (shown(&of(EXCEPTION_MESSAGE), text::BLOCK)) } } span.hint { " after " (after(event, start)) } }
            @match Backtrace::parse(&stack) {
                Some(parsed) => {
                    p.hint { (shown(parsed.head, text::LINE)) }
                    pre tabindex="0" { (shown(&parsed.own, text::BLOCK)) }
                    @if parsed.left_out > 0 {
                        details {
                            summary { "the whole stack, with " (count(parsed.left_out, "frame")) " of the runtime" }
                            pre tabindex="0" { (shown(&stack, 4 * text::BLOCK)) }
                        }
                    }
                },
                None if !stack.is_empty() => pre tabindex="0" { (shown(&stack, text::BLOCK)) },
                None => {},
            }
            (table_of(rest.filter(|a| a.key != EXCEPTION_STACKTRACE && a.key != EXCEPTION_MESSAGE)))
        }
    }
}

fn linked(link: &Link) -> Markup {
    let id = TraceId::from_bytes(&link.trace_id);
    html! {
        section {
            h2 { "Link" }
            @match id {
                Some(id) => p { "to " a href={ "/trace/" (id) "?span=" (hex(&link.span_id)) "#" (hex(&link.span_id)) } { "span " (hex(&link.span_id)) " of trace " (id) } },
                None => p.hint { "to no valid trace id" },
            }
            (table(&link.attributes))
        }
    }
}

fn after(event: &Event, start: u64) -> String {
    human_duration(event.time_unix_nano.saturating_sub(start))
}

fn table(attributes: &[KeyValue]) -> Markup {
    table_of(attributes.iter())
}

fn table_of<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> Markup {
    let mut attributes: Vec<_> = attributes.collect();
    let more = attributes.len().saturating_sub(MAX_ENTRIES);
    attributes.truncate(MAX_ENTRIES);
    html! {
        @if !attributes.is_empty() {
            table { tbody {
                @for attribute in attributes {
                    @let value = attributes::text(attribute.value.as_ref());
                    tr {
                        th scope="row" { bdi { (shown(&attribute.key, text::LINE)) } }
                        // Values with several lines, such as SQL and stack traces, keep their line breaks.
                        td { @if value.contains('\n') { pre tabindex="0" { (shown(&value, text::BLOCK)) } }
                             @else { bdi { (shown(&value, text::BLOCK)) } } }
                    }
                }
            } }
            @if more > 0 { p.hint { "and " (more) " more: the download has them all" } }
        }
    }
}

fn status(status: Option<&Status>) -> String {
    let name = match status.map(Status::code) {
        None | Some(StatusCode::Unset) => "unset",
        Some(StatusCode::Ok) => "ok",
        Some(StatusCode::Error) => "error",
    };
    match status.map(|status| status.message.as_str()) {
        None | Some("") => name.to_owned(),
        Some(message) => format!("{name}: {message}"),
    }
}

/// The counts of items that the sending process dropped.
fn dropped(row: &Row) -> String {
    let span = &row.span.span;
    let counts = [
        (span.dropped_attributes_count, "attribute"),
        (span.dropped_events_count, "event"),
        (span.dropped_links_count, "link"),
    ];
    let counts = counts.iter().filter(|(number, _)| *number > 0);
    let texts: Vec<_> = counts
        .map(|(number, of)| count(*number as usize, of))
        .collect();
    texts.join(", ")
}
