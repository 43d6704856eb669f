//! Renders the notes on a trace: spans still arriving, lost work, callers that send no spans, clock skew; and links to
//! related traces.

use maud::{Markup, html};

use super::text::{self, clock, count, service, shown, zone};
use super::trace_page::TracePage;
use crate::related::{Related, Tie};
use crate::summary::Pitfall;
use crate::waterfall::{Position, human_duration, skew};

pub(super) fn all(page: &TracePage<'_>) -> Markup {
    let waterfall = &page.waterfall;
    let (roots, orphans) = (
        waterfall.count(Position::Root),
        waterfall.count(Position::Orphan),
    );
    html! {
        @if page.is_arriving() && (orphans > 0 || roots == 0) {
            p.note.wait {
                "Still arriving. A span is sent when its work has ended, so parents come after their children. \
                 This page shows them as they come."
            }
        } @else if roots == 0 && orphans == 1 {
            p.note.wait {
                "The topmost span was called from outside: it names a parent, and who made that sends no spans here. All the \
                 rest is joined."
            }
        } @else if orphans > 0 {
            p.note {
                (count(orphans, "span")) (if orphans == 1 { " names" } else { " name" })
                " a parent that has not come. It was lost on the way, its work never ended, or who made it sends no spans here."
            }
        }
        @if roots > 1 {
            p.note {
                "This trace has " (roots) " roots: somewhere work was begun with the trace's id and without its parent."
            }
        }
        @if page.trace.dropped > 0 {
            p.note { (page.trace.dropped) " more spans came and were refused: this trace is full." }
        }
        @for skew in skew::of(waterfall) {
            p.note.wait {
                "The clocks disagree: that of " (service(&skew.service)) " is at least " (human_duration(skew.by))
                (if skew.is_behind { " behind" } else { " ahead of" }) " that of " (service(&skew.caller))
                ". Its bars are drawn where its own clock puts them."
            }
        }
    }
}

pub(super) fn related(page: &TracePage<'_>) -> Markup {
    let pitfall = page.waterfall.first().and_then(Pitfall::of);
    let is_broken = pitfall.is_some_and(|pitfall| !pitfall.fixed);
    let lost = page.related.iter().any(|other| other.tie == Tie::LostBy);
    html! {
        @if is_broken && !lost && !page.is_arriving() {
            p.note {
                "This pitfall has lost work, and no trace of it is here. A span is sent only when it ends: work that waits for \
                 ever is in no trace at all."
            }
        }
        @if !page.related.is_empty() {
            section.related aria-label="Traces that belong to this one" {
                @for other in page.related { (one(other, page.view.embedded)) }
            }
        }
    }
}

fn one(other: &Related, embedded: bool) -> Markup {
    let what = match other.tie {
        Tie::LostBy => "Lost work: it started while this request ran, but in a separate trace",
        Tie::Loser => {
            "This work was lost: it started while that request ran and should be in its trace"
        }
        Tie::LinksTo => "A span here links to it",
        Tie::LinkedFrom => "A span there links to this trace",
    };
    let is_bad = matches!(other.tie, Tie::LostBy | Tie::Loser);
    let query = if embedded { "?uiEmbed=v0" } else { "" };
    html! {
        p.note.wait[!is_bad] {
            (what) ": "
            a href={ "/trace/" (other.id) (query) } {
                @match &other.summary {
                    Some(summary) => bdi { (shown(&summary.title(), text::LINE)) },
                    None => { "trace " (other.id) ", which is not here" },
                }
            }
            @if let Some(summary) = &other.summary {
                " " span.hint {
                    (service(&summary.service)) (count(summary.spans, "span")) ", "
                    (human_duration(summary.duration)) ", " (clock(summary.start)) " " (zone())
                }
            }
        }
    }
}
