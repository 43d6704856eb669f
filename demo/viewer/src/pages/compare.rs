//! Renders the comparison of two traces: common spans, spans of one trace only, and the differences in time.

use maud::{Markup, html};

use super::text::{self, count, moment, service, shown};
use super::trace::pitfall_badge;
use crate::attributes::HTTP_RESPONSE_STATUS_CODE;
use crate::comparison::{Pair, compare};
use crate::store::Trace;
use crate::summary::Pitfall;
use crate::waterfall::{Row, Waterfall, fraction, human_duration};

pub(super) fn main(left: &Trace, right: &Trace) -> Markup {
    let (a, b) = (Waterfall::of(left), Waterfall::of(right));
    let pairs = compare(&a, &b);
    let longest = pairs
        .iter()
        .flat_map(|p| [p.left, p.right])
        .flatten()
        .map(Row::duration);
    let longest = longest.max().unwrap_or(0);
    let only = |of: fn(&Pair<'_>) -> bool| pairs.iter().filter(|pair| of(pair)).count();
    let both = only(|pair| pair.left.is_some() && pair.right.is_some());
    html! {
        div.title { h1 { "Two traces" } }
        dl.facts.sides {
            (side("A", left, &a))
            (side("B", right, &b))
        }
        p.hint {
            (count(both, "span")) " in both, " (only(|pair| pair.right.is_none())) " in A only, "
            (only(|pair| pair.left.is_none())) " in B only"
        }
        div.wide tabindex="0" role="region" aria-label="Spans of both traces" {
            table.compare {
                thead { tr {
                    th scope="col" { "service, kind, span" } th.t scope="col" { "A" } th.t scope="col" { "B" } th.t scope="col" { "B − A" }
                    th scope="col" { "A above B" }
                } }
                tbody { @for pair in &pairs { (line(pair, longest)) } }
            }
        }
    }
}

fn side(name: &str, trace: &Trace, waterfall: &Waterfall) -> Markup {
    let first = waterfall.first();
    html! {
        div {
            dt { "Trace " (name) }
            dd {
                a href={ "/trace/" (trace.id) } { bdi { (shown(first.map_or("trace", |f| &f.span.span.name), text::LINE)) } }
                @if let Some(pitfall) = first.and_then(Pitfall::of) { " " (pitfall_badge(&pitfall)) }
                " " (first.and_then(|f| f.attribute(HTTP_RESPONSE_STATUS_CODE)).unwrap_or_default())
                " · " (human_duration(waterfall.duration)) " · " (moment(waterfall.start))
            }
        }
    }
}

fn line(pair: &Pair<'_>, longest: u64) -> Markup {
    let only = match (pair.left, pair.right) {
        (Some(_), None) => Some("A only"),
        (None, Some(_)) => Some("B only"),
        _ => None,
    };
    let duration =
        |row: Option<&Row>| row.map_or_else(String::new, |row| human_duration(row.duration()));
    html! {
        @if let Some(row) = pair.any() {
            tr class={ @if only.is_some() { "only" } } {
                th scope="row" class={ "d" (pair.depth.min(15)) } {
                    (service(&row.span.source.service)) i { (row.kind()) } " "
                    bdi { (shown(&row.span.span.name, 120)) }
                    @if let Some(only) = only { " " em { (only) } }
                    @for (side, row) in [("A", pair.left), ("B", pair.right)] {
                        @if let Some(error) = row.and_then(Row::error) { " " strong { (side) ": " (shown(&error, 40)) } }
                    }
                }
                td.t { (duration(pair.left)) }
                td.t { (duration(pair.right)) }
                td.t { (difference(pair)) }
                td.bars { (bars(pair, longest)) }
            }
        }
    }
}

fn difference(pair: &Pair<'_>) -> String {
    let (Some(left), Some(right)) = (pair.left, pair.right) else {
        return String::new();
    };
    let (left, right) = (left.duration(), right.duration());
    let sign = if right < left { "−" } else { "+" };
    format!("{sign}{}", human_duration(left.abs_diff(right)))
}

fn bars(pair: &Pair<'_>, longest: u64) -> Markup {
    let width = |row: Option<&Row>| {
        let share = row.map_or(0.0, |row| fraction(row.duration(), longest));
        format!("{:.2}%", share * 100.0)
    };
    html! {
        svg aria-hidden="true" {
            rect.a width=(width(pair.left)) {}
            rect.b width=(width(pair.right)) {}
        }
    }
}
