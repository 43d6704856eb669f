//! The page before the first request, and the templates from which the script creates elements.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::TraceUi;
use super::lab::lab;
use super::orders::{orders, refused};
use super::primer::primer;

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
                        b { "inventory" } ". A " em { "trace" } " shows the work of both services for one request."
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

/// Renders the templates from which the script creates elements: a run shows one use of a button, and a form shows one
/// request of that run.
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
