//! The introduction to traces on the page.

use maud::{Markup, html};

/// Explains traces to readers who have never seen one.
pub(super) fn primer() -> Markup {
    html! {
        section.primer aria-labelledby="primer" {
            h2 #primer { "How to read a trace" }
            p {
                "A " b { "span" } " is one piece of work: its service, its name, its start and its end. It is drawn as a bar. \
                A " b { "trace" } " is the tree of all spans of one request. Each span is indented under the span that \
                caused it. The id of the trace travels with the request from service to service, in the header "
                code { "traceparent" } ". The answer and all log lines of both services contain it, too. With the id \
                from an answer you can find everything that led to it."
            }
            div.examples {
                figure {
                    figcaption {
                        b.badge.good { "whole" }
                        " One request, one tree. Inventory fails, and the trace shows which order that affected."
                    }
                    ol.bars {
                        li.checkout.w4 { span { "checkout" } " takes the order" }
                        li.checkout.in1.w3 { span { "checkout" } " asks inventory" }
                        li.inventory.in2.w2.failed { span { "inventory" } " checks the stock" b { " ✗ panic" } }
                    }
                }
                figure.torn {
                    figcaption {
                        b.badge.failed { "broken" }
                        " The id was not passed on. Both services did the same work and wrote the same log lines."
                    }
                    ol.bars {
                        li.checkout.w4 { span { "checkout" } " takes the order" }
                        li.checkout.in1.w3 { span { "checkout" } " asks inventory" }
                    }
                    p.tear { "the trace ends here; the rest is in another trace:" }
                    ol.bars {
                        li.inventory.w3.failed { span { "inventory" } " checks the stock" b { " ✗ panic" } }
                    }
                }
            }
            p {
                "The last bar is an " b { "orphan" } ": it belongs to the order, but it is in a separate trace. The trace of \
                the order stops for no visible reason. The orphan shows a panic, but not which order it affected. Nothing \
                warns you: a broken trace looks just like a short one."
            }
        }
    }
}
