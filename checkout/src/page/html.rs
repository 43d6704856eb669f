//! The page before the first request, and the templates that the script fills in.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{TraceUi, code};
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
                        "Each button sends one request to the service " b { "checkout" } ", which calls the service "
                        b { "inventory" } ". The work of both services for one request is one " em { "trace" } "."
                    }
                    nav aria-label="On this page" {
                        a href="#orders" { "Send an order" }
                        a href="#pitfalls" { "Break a trace" }
                        a href="#refused" { "Send a bad request" }
                        a href="#primer" { "How to read a trace" }
                        a href=(trace_ui.home) target="_blank" { "All traces" }
                    }
                }
                main {
                    section #ask aria-labelledby="orders" { (orders(base)) (lab(base)) (refused(base)) }
                    section #seen aria-labelledby="happened" {
                        h2 #happened { "What happened " a.back href="#orders" { "back to the buttons" } }
                        p #now.unseen role="status" {}
                        noscript {
                            p.hint {
                                "Without JavaScript, this page cannot send orders or show traces. Use the curl commands \
                                instead, and open the trace_id of the answer at "
                                code { (trace_ui.traces) "<trace_id>" } "."
                            }
                        }
                        div #runs {}
                        p.hint.script.nothing {
                            "Nothing yet. Press a button to see the answer and the trace of its request here."
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

/// Returns the requests that checkout refuses without calling inventory, or the other ones.
fn rows(refused: bool) -> impl Iterator<Item = &'static Row> {
    ROWS.iter()
        .filter(move |row| (row.reach == Reach::Refused) == refused)
}

/// Renders a phrase as a sentence, and text between backticks as code.
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
        h2 #refused { "Send a bad request" }
        ul.rows { @for row in rows(true) { (order(row, base)) } }
    }
}

fn order(row: &Row, base: &str) -> Markup {
    let (text, zeros) = match row.body {
        Body::Text(text) => (Some(text), None),
        Body::Zeros(count) => (None, Some(count)),
    };
    html! {
        li data-expects-outage[row.reach == Reach::Unavailable] {
            div.do {
                button.script.order type="button" data-media-type=(row.media_type) data-text=[text] data-zeros=[zeros] {
                    (row.name)
                }
                noscript { b { (row.name) } }
                span.expected.(class(row.status)) title="expected status" { (row.status) }
            }
            p { (sentence(row.what)) " " span.look { (row.look) } }
            (commands(&[row.curl(base)]))
        }
    }
}

/// Returns the class that colors a status. `script.js` does the same for the answers.
fn class(status: u16) -> &'static str {
    match status {
        ..400 => "good",
        400..500 => "refused",
        500.. => "failed",
    }
}

fn lab(base: &str) -> Markup {
    html! {
        h2 #pitfalls { "Break a trace" }
        p.hint {
            "These are small mistakes in code. Every answer is right and no error is logged, but the trace is broken. \
            Run each pitfall broken and fixed, and compare the traces."
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
    let is_process = matches!(pitfall.broken, Form::Process(_));
    html! {
        li.pitfall data-name=(pitfall.name) data-looks=(pitfall.looks) {
            div.do {
                b { (pitfall.name) }
                @if !is_process {
                    button.script.both type="button" aria-label={ "run both: " (pitfall.name) } { "run both" }
                    @for (name, _, query) in forms {
                        // A form works without the script, too. Its answer is then shown as JSON.
                        form method="post" action={ "pitfalls/" (pitfall.name) (query) } {
                            button.(name) aria-label={ (name) ": " (pitfall.name) } { (name) }
                        }
                    }
                }
            }
            p { (pitfall.mistake) " " span.look { "Look: " (pitfall.looks) } }
            (lesson(pitfall))
            @if is_process {
                p { "This pitfall needs a process that exits. Run it yourself, first broken, then fixed:" }
                (lines(&commands_of))
            } @else {
                (commands(&commands_of))
            }
        }
    }
}

/// Renders the code of both forms. The script copies each part to the traces of its form.
fn lesson(pitfall: &Pitfall) -> Markup {
    let Some(code) = code::of(pitfall.name) else {
        return html! {};
    };
    let parts = [
        ("broken", "What was wrong", pitfall.mistake, code.broken),
        ("fixed", "The fix", pitfall.instead, code.fixed),
    ];
    html! {
        details.code {
            summary { "the code" }
            @for (form, heading, text, code) in parts {
                div.lesson.{ "of-" (form) } {
                    h3 { (heading) }
                    p { (text) }
                    pre tabindex="0" { (code) }
                }
            }
            p.source {
                "Both forms are in "
                a href={ "pitfalls/" (pitfall.name) "/source" } target="_blank" { (pitfall.source) } "."
            }
        }
    }
}

/// Renders the commands that send the same requests.
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

/// Explains traces to readers who have never seen one.
fn primer() -> Markup {
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
                "The last bar is an " b { "orphan" } ": it belongs to the order, but it is in a trace of its own. The trace of \
                the order stops for no visible reason. The orphan shows a panic, but not which order it affected. Nothing \
                warns you: a broken trace looks just like a short one."
            }
        }
    }
}

/// The elements that the script creates: a run is one use of a button, and a form is one request of it.
fn templates() -> Markup {
    html! {
        template #run-template {
            details.run name="run" open {
                summary {
                    span.badge {} " " b.name {} " " span.took {} " " time {}
                }
                div.forms {}
            }
        }
        template #form-template {
            section.form {
                div.facts {
                    h3 { span.which {} " " span.badge {} }
                    p.unexpected hidden {}
                    p.happened {}
                    p.trace-id hidden { "trace " code {} " " button.copy type="button" { "copy" } }
                }
                details.answer { summary { "the answer" } pre tabindex="0" {} }
                div.traces {}
            }
        }
        template #trace-template {
            figure.trace {
                figcaption {
                    b.title {} " " span.why {} " "
                    span.tools {
                        button.again type="button" { "load again" } " " a target="_blank" { "Open the trace" }
                    }
                }
                div.frame {}
            }
        }
        template #inventory-is-up {
            span {
                "Inventory is still running. To stop it, type " code { "stop inventory" }
                " where the demo runs, or run " code { "docker compose stop inventory" } ". Then send this order again."
            }
        }
        template #inventory-is-down {
            span {
                "Inventory is not running. To start it, type " code { "start inventory" }
                " where the demo runs, or run " code { "docker compose start inventory" } ". Then send this order again."
            }
        }
    }
}
