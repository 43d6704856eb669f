//! [`Output`]: where lines go, each as one line, whoever had a say in what is in it.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
};

/// Standard output, and standard error for a line that it does not take, because the disk is full or nobody reads it any
/// more: the layers above would drop the line without a word.
pub(super) struct Output;

impl Write for Output {
    /// A line is written as a whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let text = escape(&text);
        let written = io::stdout().write_all(text.as_bytes());
        let _ = written.or_else(|_| io::stderr().write_all(text.as_bytes()));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stdout().flush();
        Ok(())
    }
}

/// The line with what would end it early, move a terminal's cursor or turn its text around as `\n` or `\u202e`, which for
/// JSON is the same text.
fn escape(line: &str) -> Cow<'_, str> {
    let text = line.strip_suffix('\n').unwrap_or(line);
    // Nearly every line is plain, and each is looked at: bytes are quicker than characters.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain || !text.contains(is_command) {
        return line.into();
    }
    let mut escaped = String::with_capacity(line.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            command if is_command(command) => {
                // Infallible: it is a string.
                let _ = write!(escaped, "\\u{:04x}", u32::from(command));
            }
            other => escaped.push(other),
        }
    }
    escaped.push_str(&line[text.len()..]);
    escaped.into()
}

/// Control characters, separators of lines, and those that change the direction of text
/// ([UAX #9](https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters)).
fn is_command(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_of_text() {
        for (line, written) in [
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
            assert_eq!(escape(line), written);
        }
    }
}
