//! The sections of the page that send orders: a row for each request of the catalogue.

use maud::{Markup, html};

use super::commands::commands;
use crate::catalogue::{Body, ROWS, Reach, Row};

/// Returns the requests that checkout refuses without calling inventory, or all others if `refused` is false.
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

pub(super) fn orders(base: &str) -> Markup {
    html! {
        h2 #orders { "Send an order" }
        ul.rows { @for row in rows(false) { (order(row, base)) } }
    }
}

pub(super) fn refused(base: &str) -> Markup {
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
