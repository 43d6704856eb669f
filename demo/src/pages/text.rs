//! Texts of strangers, times and services, as the pages show them. Maud escapes; this makes them harmless to read.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use maud::{Markup, html};

use crate::cli::Role;

/// How many characters of a text stand in a line.
pub(super) const LINE: usize = 200;
/// How many characters of a text stand where there is room for it.
pub(super) const BLOCK: usize = 8_192;
/// How many colours the style sheet has for services.
pub(super) const SERVICE_COLOURS: usize = 6;

/// The text, with characters that would rule over what stands around them written out, and its beginning if it is long.
pub(super) fn shown(text: &str, most: usize) -> Cow<'_, str> {
    // As many bytes are as many characters at most.
    if text.len() <= most && !text.chars().any(is_ruling) {
        return text.into();
    }
    let mut shown = String::new();
    for (count, (at, character)) in text.char_indices().enumerate() {
        if count == most {
            let _ = write!(shown, "… ({} bytes more)", text.len() - at);
            break;
        }
        if is_ruling(character) {
            let _ = write!(shown, "‹U+{:04X}›", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown.into()
}

/// Control characters, and those that turn the direction in which the rest is read.
fn is_ruling(character: char) -> bool {
    let turns = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (character.is_control() && character != '\n' && character != '\t')
}

/// A service's colour, from its name alone, so that it has the same one on every page.
pub(super) fn colour(service: &str) -> usize {
    let own = [Role::Checkout, Role::Inventory].map(Role::name);
    own.iter()
        .position(|&role| role == service)
        .unwrap_or_else(|| {
            let sum: usize = service.bytes().map(usize::from).sum();
            own.len() + sum % (SERVICE_COLOURS - own.len())
        })
}

/// A service's name with a mark in its colour.
pub(super) fn service(name: &str) -> Markup {
    html! {
        span class={ "service s" (colour(name)) } { (shown(name, LINE)) }
    }
}

/// Date and time of day to the millisecond, in UTC.
pub(super) fn date_and_time(unix_nanos: u64) -> (String, String) {
    let time = UNIX_EPOCH + Duration::from_nanos(unix_nanos);
    let timestamp = humantime::format_rfc3339_millis(time).to_string();
    let (date, time) = timestamp
        .split_once('T')
        .expect("RFC 3339 has a T between date and time");
    (date.to_owned(), time.trim_end_matches('Z').to_owned())
}

/// So many of them: `1 span`, `2 spans`.
pub(super) fn count(count: usize, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}
