//! Escapes untrusted text in a log line, so that the text cannot end the line early, move a terminal's cursor
//! or change the direction of text. Such characters are written as escapes like `\n` or `\u202e`, which JSON
//! parsers decode to the original characters.

use std::{borrow::Cow, fmt::Write as _};

/// Escapes a whole line, except for a line break at its end.
pub(super) fn line(line: &str) -> Cow<'_, str> {
    let text = line.strip_suffix('\n').unwrap_or(line);
    if is_printable_ascii(text) || !text.contains(is_control) {
        return line.into();
    }
    let mut escaped = String::with_capacity(line.len() + 16);
    for character in text.chars() {
        push(&mut escaped, character);
    }
    escaped.push_str(&line[text.len()..]);
    escaped.into()
}

/// Appends text to a line, escaped as the content of a JSON string.
pub(super) fn push_json(line: &mut String, text: &str) {
    if is_printable_ascii(text) && !text.bytes().any(|byte| matches!(byte, b'"' | b'\\')) {
        return line.push_str(text);
    }
    for character in text.chars() {
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\u{8}' => line.push_str("\\b"),
            '\u{c}' => line.push_str("\\f"),
            other => push(line, other),
        }
    }
}

/// Returns whether the text is printable ASCII, where only quotes and backslashes may need an escape.
/// Checking bytes is faster than checking characters, and nearly every text is printable ASCII.
fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn push(line: &mut String, character: char) {
    match character {
        '\n' => line.push_str("\\n"),
        '\r' => line.push_str("\\r"),
        '\t' => line.push_str("\\t"),
        control if is_control(control) => {
            // Writing to a string cannot fail.
            let _ = write!(line, "\\u{:04x}", u32::from(control));
        }
        other => line.push(other),
    }
}

/// Returns whether a character is a control character, is a line separator, or changes the direction of text
/// ([UAX #9](https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters)).
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn line_breaks_are_escaped() {
        for (text, written) in [
            ("plain ü 漢 🦀\n", "plain ü 漢 🦀\n"),
            ("no end", "no end"),
            ("", ""),
            ("a\nERROR forged\r\n\n", "a\\nERROR forged\\r\\n\n"),
            (
                "\x1b[31m\x07\0\x7f\u{9b}2J\n",
                "\\u001b[31m\\u0007\\u0000\\u007f\\u009b2J\n",
            ),
            (
                "a\u{2028}b\u{202e}c\u{2066}d\u{61c}\n",
                "a\\u2028b\\u202ec\\u2066d\\u061c\n",
            ),
            ("tab\there\n", "tab\\there\n"),
        ] {
            assert_eq!(line(text), written);
        }
    }

    proptest! {
        #[test]
        fn json_string_escapes_control_characters(text in any::<String>()) {
            let mut written = String::new();
            push_json(&mut written, &text);
            prop_assert!(!written.contains(is_control), "{:?}", written);
            let read: String = serde_json::from_str(&format!("\"{written}\"")).unwrap();
            prop_assert_eq!(read, text);
        }
    }
}
