//! How the page looks before anything was sent, and the templates that the script fills in.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::TraceUi;
use crate::catalogue::{Body, ROWS, Reach, Row};
use crate::pitfalls::{self, Form, Pitfall};

pub(super) fn page(nonce: &str, base: &str, trace_ui: &TraceUi) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Checkout: follow a request" }
                link rel="icon" href="data:,";
                style nonce=(nonce) { (PreEscaped(include_str!("style.css"))) }
            }
            body data-traces=(trace_ui.traces) data-trace-origin=(trace_ui.origin) {
                header {
                    h1 { "Follow a request" }
                    p {
                        "Each button sends one request to the service " b { "checkout" } ", which asks the service "
                        b { "inventory" } ". What both did for it is one " em { "trace" } ". See it whole, see where a \
                        failure began, and see how a trace breaks. "
                        a href=(trace_ui.origin) target="_blank" { "All traces" }
                    }
                }
                main {
                    section #ask aria-labelledby="orders" { (orders(base)) (lab(base)) (refused(base)) }
                    section #seen aria-labelledby="happened" {
                        h2 #happened { "What happened " a.back href="#orders" { "back to the buttons" } }
                        p #now.unseen role="status" {}
                        noscript {
                            p.hint {
                                "This page can be read without JavaScript, and needs it to send orders and to show traces \
                                here: take the curl lines instead, and open the answer's trace_id at "
                                code { (trace_ui.traces) "<trace_id>" } "."
                            }
                        }
                        div #runs {}
                        p.hint.script.nothing {
                            "Nothing yet. Press a button, and its answer and its trace appear here."
                        }
                        (primer())
                    }
                }
                (templates())
                script nonce=(nonce) { (PreEscaped(include_str!("script.js"))) }
            }
        }
    }
}

/// The requests that checkout refuses without a call, or the others.
fn rows(refused: bool) -> impl Iterator<Item = &'static Row> {
    ROWS.iter()
        .filter(move |row| (row.reach == Reach::Refused) == refused)
}

/// A phrase as a sentence, with commands between backticks as code.
fn sentence(phrase: &str) -> Markup {
    let (first, rest) = phrase.split_at(phrase.chars().next().map_or(0, char::len_utf8));
    let phrase = format!("{}{rest}.", first.to_uppercase());
    html! {
        @for (index, part) in phrase.split('`').enumerate() {
            @if index % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}

fn orders(base: &str) -> Markup {
    html! {
        h2 #orders { "Send an order" }
        ul.rows { @for row in rows(false) { (order(row, base)) } }
    }
}

fn refused(base: &str) -> Markup {
    html! {
        h2 { "Be refused at the door" }
        ul.rows { @for row in rows(true) { (order(row, base)) } }
    }
}

fn order(row: &Row, base: &str) -> Markup {
    let (text, zeros) = match row.body {
        Body::Text(text) => (Some(text), None),
        Body::Zeros(count) => (None, Some(count)),
    };
    html! {
        li {
            div.do {
                button.script.order type="button" data-media-type=(row.media_type) data-text=[text] data-zeros=[zeros] {
                    (row.name)
                }
                noscript { b { (row.name) } }
                span.expected.(class(row.status)) title="the answer's status" { (row.status) }
            }
            p { (sentence(row.what)) " " span.look { (row.look) } }
            (commands(&[row.curl(base)]))
        }
    }
}

/// How a status looks. `script.js` does the same for those that come.
fn class(status: u16) -> &'static str {
    match status {
        ..400 => "good",
        400..500 => "refused",
        500.. => "failed",
    }
}

fn lab(base: &str) -> Markup {
    html! {
        h2 { "Break a trace" }
        p.hint {
            "Small mistakes: every answer is right, no error is logged, and still the trace is broken. Run each "
            b { "broken" } " and " b { "fixed" } ", and compare."
        }
        ul.rows { @for pitfall in pitfalls::all() { (row(pitfall, base)) } }
    }
}

fn row(pitfall: &Pitfall, base: &str) -> Markup {
    let forms = [
        ("broken", &pitfall.broken, ""),
        ("fixed", &pitfall.fixed, "?fixed=true"),
    ];
    let commands_of = forms.map(|(_, form, query)| match form {
        Form::Request(_) => format!("curl -X POST '{base}/pitfalls/{}{query}'", pitfall.name),
        Form::Process(command) => (*command).to_owned(),
    });
    html! {
        li.pitfall data-name=(pitfall.name) data-looks=(pitfall.looks) data-instead=(pitfall.instead)
            data-source=(pitfall.source) {
            div.do {
                b { (pitfall.name) }
                @for (name, form, query) in forms {
                    @if matches!(form, Form::Request(_)) {
                        // A form, so that it works without the script too: then its answer is a page of JSON.
                        form method="post" action={ "pitfalls/" (pitfall.name) (query) } {
                            button.(name) aria-label={ (name) ": " (pitfall.name) } { (name) }
                        }
                    }
                }
            }
            p { (pitfall.mistake) " " span.look { "Look: " (pitfall.looks) } }
            @if matches!(pitfall.broken, Form::Process(_)) {
                p { "It takes a process that ends, so run it yourself: first broken, then fixed." }
                (lines(&commands_of))
            } @else {
                (commands(&commands_of))
            }
        }
    }
}

/// The same by command, to unfold.
fn commands(commands: &[String]) -> Markup {
    html! {
        details.curl { summary { "the same by curl" } (lines(commands)) }
    }
}

fn lines(commands: &[String]) -> Markup {
    html! {
        @for command in commands {
            div.command {
                pre tabindex="0" { (command) }
                button.copy.script type="button" data-copy=(command) aria-label={ "copy: " (command) } { "copy" }
            }
        }
    }
}

/// What a trace is, for whoever has never seen one.
fn primer() -> Markup {
    html! {
        section.primer aria-labelledby="primer" {
            h2 #primer { "How to read it" }
            p {
                "A " b { "span" } " is one piece of work: which service did what, from when to when. It is drawn as a bar. \
                A " b { "trace" } " is all the spans of one request, each beneath the one that caused it. The trace's id \
                travels with the request from service to service, in the header " code { "traceparent" } "; the answer \
                and every log line of both services carry it too. So whoever holds an answer can find all that led to it."
            }
            div.examples {
                figure {
                    figcaption {
                        b.badge.good { "whole" }
                        " One request, one tree. Inventory fails, and you see beneath which order."
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
                        " The id was not handed on. Both services did the same work, and logged the same."
                    }
                    ol.bars {
                        li.checkout.w4 { span { "checkout" } " takes the order" }
                        li.checkout.in1.w3 { span { "checkout" } " asks inventory" }
                    }
                    p.tear { "the trace ends here; this is in another one:" }
                    ol.bars {
                        li.inventory.w3.failed { span { "inventory" } " checks the stock" b { " ✗ panic" } }
                    }
                }
            }
            p {
                "That last bar is an " b { "orphan" } ": it belongs to the order, and is in a trace of its own. Who opens the \
                order's trace sees an order that stops for no reason; who finds the orphan sees a panic, and cannot tell \
                whose order it spoiled. Nothing warns of it. A broken trace looks just like a short one."
            }
        }
    }
}

/// What the script makes of answers: a run is what one button did, a form is one request of it.
fn templates() -> Markup {
    html! {
        template #run-template {
            details.run name="run" open {
                summary {
                    span.badge {} " " b.name {} " " span.took {} " " time {}
                }
                div.forms {}
                p.instead {}
            }
        }
        template #form-template {
            section.form {
                div.facts {
                    h3 { span.which {} " " span.badge {} }
                    p.happened {}
                    p.trace-id hidden {
                        "trace " code {} " " button.copy type="button" { "copy" } " "
                        a target="_blank" { "open the trace" }
                    }
                }
                details.answer { summary { "the answer" } pre tabindex="0" {} }
                div.traces {}
            }
        }
        template #trace-template {
            figure.trace {
                figcaption {
                    b.title {} " " span.why {} " "
                    span.tools { a target="_blank" { "open" } " " button.again type="button" { "load again" } }
                }
                div.frame {}
            }
        }
    }
}
