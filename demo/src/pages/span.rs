//! One row of the waterfall, and what it opens to: everything the span carries.

use std::fmt::Write as _;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::Status;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::{Escaped, colour, service};
use crate::attributes::{self, hex};
use crate::waterfall::{Place, Row, Waterfall, human_duration};

/// Deeper rows are indented no further, so that their names stay on the page.
const DEEPEST_INDENT: usize = 20;

/// The row of one span.
pub(super) fn row(row: &Row, waterfall: &Waterfall) -> String {
    let orphan = match row.place {
        Place::Orphan => "<span class='badge warn'>parent missing</span>",
        Place::Root | Place::Child => "",
    };
    let from = &waterfall.services[row.service];
    let error = row.error();
    let failed = if error.is_some() { " failed" } else { "" };
    let error = error.map_or_else(String::new, |error| {
        format!("<span class=badge>{}</span>", Escaped(error))
    });
    format!(
        "<details class='s{colour}{failed}'><summary class=row>\
         <span class=span style='--indent:{indent}'>{service}<span class=kind>{kind}</span>\
         <span class=name>{name}</span>{orphan}{error}</span>\
         <span class=track><i class=bar style='left:{left:.3}%;width:{width:.3}%'></i></span>\
         <span class=number>{duration}</span></summary>{details}</details>\n",
        colour = colour(from),
        indent = row.depth.min(DEEPEST_INDENT),
        service = service(from),
        kind = row.kind(),
        name = Escaped(&row.span.span.name),
        left = row.offset * 100.0,
        width = row.width * 100.0,
        duration = human_duration(row.duration()),
        details = details(row, waterfall.start),
    )
}

fn details(row: &Row, trace_start: u64) -> String {
    let span = &row.span.span;
    let after = |time: u64| human_duration(time.saturating_sub(trace_start));
    let mut html = String::from("<div class=details>");
    let parent = row.span.parent.map(|id| hex(&id));
    let about = [
        ("span id", hex(&row.span.id)),
        ("parent", parent.unwrap_or_else(|| "none".to_owned())),
        ("after", after(span.start_time_unix_nano)),
        ("status", status(span.status.as_ref())),
        ("tracestate", span.trace_state.clone()),
    ];
    table(&mut html, "Span", about.into_iter());
    table(&mut html, "Attributes", pairs(&span.attributes));
    for event in &span.events {
        let time = after(event.time_unix_nano);
        let title = format!("Event: {}", Escaped(&event.name));
        let time = [("after", time)].into_iter();
        table(&mut html, &title, time.chain(pairs(&event.attributes)));
    }
    for link in &span.links {
        let (trace, span) = (hex(&link.trace_id), hex(&link.span_id));
        let title = format!("Link to <a href='/trace/{trace}'>trace {trace}</a>");
        let span = [("span id", span)].into_iter();
        table(&mut html, &title, span.chain(pairs(&link.attributes)));
    }
    let resource = row.span.source.resource.as_ref();
    let resource = resource.map_or(&[][..], |resource| &resource.attributes);
    table(&mut html, "Resource", pairs(resource));
    if let Some(scope) = &row.span.source.scope {
        let scope = [
            ("name", scope.name.clone()),
            ("version", scope.version.clone()),
        ];
        table(&mut html, "Scope", scope.into_iter());
    }
    html.push_str("</div>");
    html
}

fn pairs(attributes: &[KeyValue]) -> impl Iterator<Item = (&str, String)> {
    let text = |a: &KeyValue| attributes::text(a.value.as_ref());
    attributes.iter().map(move |a| (a.key.as_str(), text(a)))
}

/// A table of what has a value; nothing if nothing has. `title` is HTML.
fn table<'a>(html: &mut String, title: &str, pairs: impl Iterator<Item = (&'a str, String)>) {
    let mut rows = String::new();
    for (key, value) in pairs.filter(|(_, value)| !value.is_empty()) {
        // Stack traces and SQL: where the text has lines, the lines matter.
        let tag = if value.contains('\n') { "pre" } else { "span" };
        let _ = write!(
            rows,
            "<tr><th>{}</th><td><{tag}>{}</{tag}></td></tr>",
            Escaped(key),
            Escaped(value)
        );
    }
    if !rows.is_empty() {
        let _ = write!(
            html,
            "<section><h3>{title}</h3><table>{rows}</table></section>"
        );
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
