//! The section of the page that runs pitfalls: a row for each, with its code.

use maud::{Markup, html};

use super::commands::{commands, lines};
use crate::pitfalls::{self, Pitfall, Run};

pub(super) fn lab(base: &str) -> Markup {
    html! {
        h2 #pitfalls { "Break a trace" }
        p.hint {
            "These are small mistakes in code. Every answer is correct and no error is logged, but the trace is broken. Inside a \
            program, the id of the trace belongs to the " em { "context" } " of the work. Code that starts more work, or calls \
            another service, has to pass the context on. Run each pitfall broken and fixed, and compare the traces."
        }
        ul.rows { @for pitfall in pitfalls::all() { (row(pitfall, base)) } }
    }
}

fn row(pitfall: &Pitfall, base: &str) -> Markup {
    let forms = [
        ("broken", &pitfall.broken, ""),
        ("fixed", &pitfall.fixed, "?fixed=true"),
    ];
    let commands_of = forms.map(|(_, form, query)| match form.run {
        Run::Request(_) => format!("curl -X POST '{base}/pitfalls/{}{query}'", pitfall.name),
        Run::Process(command) => command.to_owned(),
    });
    let is_process = matches!(pitfall.broken.run, Run::Process(_));
    html! {
        li.pitfall data-name=(pitfall.name) data-looks=(pitfall.looks) {
            div.do {
                b { (pitfall.name) }
                @if !is_process {
                    button.script.both type="button" aria-label={ "run both: " (pitfall.name) } { "run both" }
                    @for (name, _, query) in forms {
                        // An HTML form works without the script, too. The browser then shows the answer as JSON.
                        form method="post" action={ "pitfalls/" (pitfall.name) (query) } {
                            button.(name) aria-label={ (name) ": " (pitfall.name) } { (name) }
                        }
                    }
                }
            }
            p { (pitfall.mistake) " " span.look { "In the trace: " (pitfall.looks) } }
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

/// Renders the broken and the fixed code of a pitfall. The script copies the code of a form to the traces of that form.
fn lesson(pitfall: &Pitfall) -> Markup {
    let parts = [
        (
            "broken",
            "What was wrong",
            pitfall.mistake,
            pitfall.broken.code,
        ),
        ("fixed", "The fix", pitfall.instead, pitfall.fixed.code),
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
                a href={ "pitfalls/" (pitfall.name) "/source" } target="_blank" { (pitfall.source.path) } "."
            }
        }
    }
}
