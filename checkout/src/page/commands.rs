//! Commands on the page, each with a button that copies it.

use maud::{Markup, html};

/// Renders the curl commands that send the same requests as the buttons beside them.
pub(super) fn commands(commands: &[String]) -> Markup {
    html! {
        details.curl { summary { "the same with curl" } (lines(commands)) }
    }
}

pub(super) fn lines(commands: &[String]) -> Markup {
    html! {
        @for command in commands {
            div.command {
                pre tabindex="0" { (command) }
                button.copy.script type="button" data-copy=(command) aria-label={ "copy: " (command) } { "copy" }
            }
        }
    }
}
