//! The service map: who calls whom, as a picture and as the table it is drawn from.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::text::{colour, count, shown};
use crate::calls::{self, CallMap, Calls, Party};
use crate::store::Trace;
use crate::waterfall::human_duration;

const BOX: (usize, usize) = (170, 46);
/// From one column or line of boxes to the next.
const STEP: (usize, usize) = (350, 150);
const MARGIN: usize = 20;

pub(super) fn main(traces: &[Trace]) -> Markup {
    let mut map = CallMap::new();
    for trace in traces {
        calls::add(&mut map, trace);
    }
    html! {
        div.title {
            h1 { "Service map" }
            p.hint { "from the " (count(traces.len(), "trace")) " that are held here" }
        }
        @if map.is_empty() {
            p.note.wait { "No call has been seen yet. Send a request to checkout, and this draws itself." }
        } @else {
            div.map tabindex="0" role="region" aria-label="Picture of the table below" { (picture(&map)) }
            (table(&map))
        }
    }
}

fn table(map: &CallMap) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label="Calls" {
            table.calls {
                thead { tr {
                    th scope="col" { "caller" } th scope="col" { "called" } th scope="col" { "calls" } th scope="col" { "failed" }
                    th scope="col" { "median" } th scope="col" { "95 %" } th scope="col" { "slowest" }
                } }
                tbody {
                    @for ((from, to), calls) in map {
                        tr {
                            td { (party(from)) } td { (party(to)) }
                            td.t { (calls.count()) }
                            td.t class=[(calls.failed > 0).then_some("bad")] { (calls.failed) }
                            @for percent in [50, 95, 100] { td.t { (human_duration(calls.percentile(percent))) } }
                        }
                    }
                }
            }
        }
    }
}

fn party(party: &Party) -> Markup {
    match party {
        Party::Service(name) => super::text::service(name),
        other => html! { bdi { (shown(other.name(), 60)) } " " span.hint { (about(other)) } },
    }
}

fn about(party: &Party) -> &'static str {
    match party {
        Party::Outside => "not traced here",
        Party::Service(_) => "",
        Party::Database(_) => "database",
        Party::Silent(_) => "sent no span",
    }
}

/// Callers left of the called, each as far left as its callers allow.
fn columns(map: &CallMap) -> BTreeMap<&Party, (usize, usize)> {
    let mut column: BTreeMap<&Party, usize> = BTreeMap::new();
    for (from, to) in map.keys() {
        column.entry(from).or_default();
        column.entry(to).or_default();
    }
    // In a circle everybody is right of everybody; after as many rounds as there are parties enough is enough.
    for _ in 0..column.len().min(20) {
        for (from, to) in map.keys().filter(|(from, to)| from != to) {
            let right = column[from] + 1;
            let column = column.entry(to).or_default();
            *column = right.max(*column).min(20);
        }
    }
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    column
        .into_iter()
        .map(|(party, column)| {
            let line = taken.entry(column).or_default();
            *line += 1;
            (party, (column, *line - 1))
        })
        .collect()
}

fn picture(map: &CallMap) -> Markup {
    let places = columns(map);
    let corner = |party: &Party| {
        let (column, line) = places[party];
        (MARGIN + column * STEP.0, MARGIN + line * STEP.1)
    };
    let right = places
        .values()
        .map(|(column, _)| column)
        .max()
        .unwrap_or(&0);
    let bottom = places.values().map(|(_, line)| line).max().unwrap_or(&0);
    let width = 2 * MARGIN + right * STEP.0 + BOX.0;
    let height = 2 * MARGIN + bottom * STEP.1 + BOX.1 + 80;
    html! {
        svg width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="img" aria-label="Who calls whom" {
            defs {
                marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse" {
                    path d="M0 0L10 5L0 10z" {}
                }
            }
            @for ((from, to), calls) in map { (arrow(corner(from), corner(to), calls)) }
            @for party in places.keys() { (node(party, corner(party))) }
        }
    }
}

fn node(party: &Party, (x, y): (usize, usize)) -> Markup {
    let class = match party {
        Party::Service(name) => format!("node s{}", colour(name)),
        _ => "node other".to_owned(),
    };
    html! {
        g class=(class) {
            rect x=(x) y=(y) width=(BOX.0) height=(BOX.1) rx="8" {}
            text x=(x + BOX.0 / 2) y=(y + if about(party).is_empty() { 28 } else { 20 }) { (shown(party.name(), 20)) }
            text.small x=(x + BOX.0 / 2) y=(y + 37) { (about(party)) }
        }
    }
}

fn arrow(from: (usize, usize), to: (usize, usize), calls: &Calls) -> Markup {
    // Out of the right side and into the left one of a neighbour; below the boxes to all others.
    let forth = to.0 == from.0 + STEP.0;
    let (begin, end) = if forth {
        (
            (from.0 + BOX.0, from.1 + BOX.1 / 2),
            (to.0, to.1 + BOX.1 / 2),
        )
    } else {
        (
            (from.0 + BOX.0 / 2, from.1 + BOX.1),
            (to.0 + BOX.0 / 2, to.1 + BOX.1),
        )
    };
    let middle = usize::midpoint(begin.0, end.0);
    let path = if forth {
        format!(
            "M{} {}C{middle} {} {middle} {} {} {}",
            begin.0, begin.1, begin.1, end.1, end.0, end.1
        )
    } else {
        let low = begin.1.max(end.1) + 55;
        format!(
            "M{} {}C{} {low} {} {low} {} {}",
            begin.0, begin.1, begin.0, end.0, end.0, end.1
        )
    };
    let label_y = if forth {
        usize::midpoint(begin.1, end.1)
    } else {
        begin.1.max(end.1) + 60
    };
    html! {
        g class={ "call" @if calls.failed > 0 { " bad" } } {
            path d=(path) marker-end="url(#arrow)" {}
            text x=(middle) y=(label_y.saturating_sub(8)) { (count(calls.count(), "call")) ", " (human_duration(calls.percentile(50))) }
            @if calls.failed > 0 { text.failed x=(middle) y=(label_y + 16) { (calls.failed) " failed" } }
        }
    }
}
