//! Formats untrusted texts, times and service names. Maud escapes HTML; this module escapes characters that would
//! mislead readers.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use maud::{Markup, html};

/// Maximum characters of a text that is shown on one line.
pub(super) const LINE: usize = 200;
/// Maximum characters of a text that is shown as a block.
pub(super) const BLOCK: usize = 8_192;
/// Number of service colors in the style sheet.
pub(super) const SERVICE_COLORS: usize = 6;

/// Services with a fixed color. All other services share the remaining colors.
const OWN_COLORS: [&str; 2] = ["checkout", "inventory"];

/// Escapes the control characters of a text, and truncates the text if it is long.
pub(super) fn shown(text: &str, most: usize) -> Cow<'_, str> {
    // A text never has more characters than bytes, so a short text needs no counting.
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

/// Returns whether the character is a control character or changes the text direction.
fn is_ruling(character: char) -> bool {
    let turns = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (character.is_control() && character != '\n' && character != '\t')
}

/// Returns a service's color, derived from its name so that it is the same on every page.
pub(super) fn color(service: &str) -> usize {
    let own = OWN_COLORS.iter().position(|&name| name == service);
    own.unwrap_or_else(|| {
        let sum: usize = service.bytes().map(usize::from).sum();
        OWN_COLORS.len() + sum % (SERVICE_COLORS - OWN_COLORS.len())
    })
}

/// Renders a service's name with its color.
pub(super) fn service(name: &str) -> Markup {
    html! {
        span class={ "service s" (color(name)) } { (shown(name, LINE)) }
    }
}

/// Renders a time of day without the time zone. The page must show the time zone with [`zone`].
pub(super) fn clock(unix_nanos: u64) -> Markup {
    let timestamp = timestamp(unix_nanos);
    html! { time datetime=(timestamp) { (time_of_day(&timestamp)) } }
}

/// Renders date, time and time zone.
pub(super) fn moment(unix_nanos: u64) -> Markup {
    let timestamp = timestamp(unix_nanos);
    html! { time.moment datetime=(timestamp) { (timestamp[..10]) " " (time_of_day(&timestamp)) " UTC" } }
}

/// Renders the time zone of all times on the page: UTC, or the browser's time zone if JavaScript is enabled.
pub(super) fn zone() -> Markup {
    html! { span.zone { "UTC" } }
}

/// Formats a time to the millisecond, as in `2026-11-22T12:34:56.789Z`.
pub(super) fn timestamp(unix_nanos: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_nanos(unix_nanos);
    humantime::format_rfc3339_millis(time).to_string()
}

/// Returns the time of day in a [`timestamp`], without the date and the time zone.
pub(super) fn time_of_day(timestamp: &str) -> &str {
    &timestamp[11..23]
}

/// Formats a count: `1 span`, `2 spans`.
pub(super) fn count(count: usize, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}
