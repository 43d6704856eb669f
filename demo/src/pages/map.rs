//! The service map: calls between services, as a picture and as a table.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::text::{colour, count, shown};
use crate::calls::{self, CallMap, Calls, Party};
use crate::store::Trace;
use crate::waterfall::human_duration;

const BOX: (usize, usize) = (170, 46);
/// Distance between columns or rows of boxes.
const STEP: (usize, usize) = (350, 150);
const MARGIN: usize = 20;
/// Maximum number of services in the picture; the table shows all.
const DRAWN: usize = 40;

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
            @if parties(&map).len() <= DRAWN {
                div.map tabindex="0" role="region" aria-label="Picture of the table below" { (picture(&map)) }
            }
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

/// Assigns columns: callers are left of the services they call, as far left as possible, ignoring calls back.
fn places(map: &CallMap) -> BTreeMap<&Party, (usize, usize)> {
    let forth = forth(map);
    let mut columns: BTreeMap<&Party, usize> = parties(map).into_iter().map(|p| (p, 0)).collect();
    for _ in 0..columns.len() {
        for (from, to) in &forth {
            let right = columns[from] + 1;
            let column = columns.entry(to).or_default();
            *column = right.max(*column);
        }
    }
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    columns
        .into_iter()
        .map(|(party, column)| {
            let line = taken.entry(column).or_default();
            *line += 1;
            (party, (column, *line - 1))
        })
        .collect()
}

fn parties(map: &CallMap) -> BTreeSet<&Party> {
    map.keys().flat_map(|(from, to)| [from, to]).collect()
}

/// The calls in the direction of requests. A call back to a waiting service would close a circle and is excluded.
fn forth(map: &CallMap) -> BTreeSet<(&Party, &Party)> {
    let called: BTreeSet<_> = map.keys().map(|(_, to)| to).collect();
    let (inner, first): (Vec<_>, Vec<_>) = parties(map)
        .into_iter()
        .partition(|party| called.contains(party));
    let mut walk = Walk::default();
    for party in first.into_iter().chain(inner) {
        walk.from(party, map);
    }
    walk.forth
}

#[derive(Default)]
struct Walk<'a> {
    waiting: Vec<&'a Party>,
    seen: BTreeSet<&'a Party>,
    forth: BTreeSet<(&'a Party, &'a Party)>,
}

impl<'a> Walk<'a> {
    fn from(&mut self, party: &'a Party, map: &'a CallMap) {
        if !self.seen.insert(party) {
            return;
        }
        self.waiting.push(party);
        for (from, to) in map.keys().filter(|(from, _)| from == party) {
            if !self.waiting.contains(&to) {
                self.forth.insert((from, to));
                self.from(to, map);
            }
        }
        self.waiting.pop();
    }
}

fn picture(map: &CallMap) -> Markup {
    let places = places(map);
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
    // From the right side into the left side of a neighbor; below the boxes for all others.
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
        begin.1.max(end.1) + 68
    };
    html! {
        g class={ "call" @if calls.failed > 0 { " bad" } } {
            path d=(path) marker-end="url(#arrow)" {}
            text x=(middle) y=(label_y.saturating_sub(8)) { (count(calls.count(), "call")) ", " (human_duration(calls.percentile(50))) }
            @if calls.failed > 0 { text.failed x=(middle) y=(label_y + 16) { (calls.failed) " failed" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutually_calling_services_share_column() {
        let service = |name: &str| Party::Service(name.to_owned());
        let mut map = CallMap::new();
        for (from, to) in [
            (Party::Outside, service("a")),
            (Party::Outside, service("b")),
            (Party::Outside, service("c")),
            (service("a"), service("b")),
            (service("b"), service("a")),
            (service("b"), service("c")),
            (service("c"), service("c")),
        ] {
            map.insert((from, to), Calls::default());
        }
        let places = places(&map);
        let column = |party: &Party| places[party].0;
        assert_eq!(column(&Party::Outside), 0);
        assert_eq!(
            ["a", "b", "c"].map(|name| column(&service(name))),
            [1, 2, 3]
        );
    }
}
