//! Redacts the values of secret keys in connection strings (`host=db password=hunter2`), JSON and `Debug` output.

use std::{borrow::Cow, ops::Range};

use super::REDACTED;

/// Redacts the value of every secret key in a text. A value does not continue on the next line.
pub(super) fn redact(text: &str) -> Cow<'_, str> {
    let mut redacted = String::new();
    let mut copied = 0;
    let mut line_start = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        for value in secrets(line, Extent::Value) {
            redacted.push_str(&text[copied..line_start + value.start]);
            redacted.push_str(REDACTED);
            copied = line_start + value.end;
        }
        line_start += line.len();
    }
    if copied == 0 {
        return text.into();
    }
    redacted.push_str(&text[copied..]);
    redacted.into()
}

/// Redacts everything after the first secret key in a text.
pub(super) fn redact_rest(text: &str) -> Cow<'_, str> {
    match secrets(text, Extent::Rest).first() {
        Some(value) => format!("{}{REDACTED}", &text[..value.start]).into(),
        None => text.into(),
    }
}

/// How much is redacted.
#[derive(Clone, Copy, PartialEq)]
enum Extent {
    /// The value, in a text of sentences: punctuation after a key is no value.
    Value,
    /// Everything after the key.
    Rest,
}

/// Returns the ranges of the values of secret keys in a line.
fn secrets(line: &str, extent: Extent) -> Vec<Range<usize>> {
    let mut values: Vec<Range<usize>> = Vec::new();
    let mut word_start = 0;
    for word in line.split_inclusive(super::ends_word) {
        // The module `text` redacts URLs and queries.
        let url = [word.find("://"), word.find('?')];
        let end = url.into_iter().flatten().min().unwrap_or(word.len());
        for (at, _) in word[..end].match_indices(['=', ':']) {
            let at = word_start + at;
            if values.last().is_none_or(|value| value.end <= at) {
                values.extend(secret(line, at, extent));
            }
        }
        word_start += word.len();
    }
    values
}

/// Returns the range of the value after the `=` or `:` at position `at`, if the key before it is secret.
fn secret(line: &str, at: usize, extent: Extent) -> Option<Range<usize>> {
    let (before, after) = line.split_at(at);
    if !is_secret(key(before)) {
        return None;
    }
    let is_equals = after.starts_with('=');
    let value = after[1..].trim_start_matches([' ', '\t']);
    let value = value.strip_prefix("Some(").unwrap_or(value);
    let start = line.len() - value.len();
    let value = value.trim_end_matches(['\n', '\r']);
    let len = match quoted(value) {
        Some(len) if is_equals => len + without_punctuation(&value[len..], unquoted(&value[len..])),
        Some(len) => len,
        // A password may begin with punctuation and a space: `password=: hunter2`.
        None if is_equals && extent == Extent::Rest => value.len(),
        None if is_equals => unquoted_value(before, value),
        // A colon after a secret key without a quoted value is prose, as in `wrong password: connection refused`.
        None => 0,
    };
    (len > 0).then_some(start..start + len)
}

/// Returns the key before a separator, without quotes.
fn key(before: &str) -> &str {
    let before = before.trim_end_matches([' ', '\t', '"', '\'', '\\']);
    let start = before.rfind(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)));
    &before[start.map_or(0, |at| {
        at + before[at..].chars().next().map_or(1, char::len_utf8)
    })..]
}

fn is_secret(key: &str) -> bool {
    const ANYWHERE: [&str; 4] = ["passphrase", "passwd", "password", "secret"];
    const AT_END: [&str; 14] = [
        "accesskey",
        "accesskeyid",
        "accountkey",
        "apikey",
        "authkey",
        "credential",
        "credentials",
        "encryptionkey",
        "privatekey",
        "pwd",
        "sharedkey",
        "signature",
        "signingkey",
        "token",
    ];
    if key.is_empty() {
        return false;
    }
    let name: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let last = key.rsplit(['_', '-', '.']).next();
    ANYWHERE.iter().any(|word| name.contains(word))
        || AT_END.iter().any(|word| name.ends_with(word))
        || last.is_some_and(|last| last.eq_ignore_ascii_case("pass"))
}

/// Returns the length of an unquoted value after `=`. The syntax of the connection string is unknown, so if it is
/// unclear where the secret ends, the longest possible part is redacted.
fn unquoted_value(before: &str, after: &str) -> usize {
    // In `Server=db;Password=hun ter2`, a semicolon may end the value or be part of the password, so the value extends
    // to the end.
    let key_start = before.trim_end().len() - key(before).len();
    if before[..key_start].trim_end().ends_with(';') {
        return after.len();
    }
    let mut len = unquoted(after);
    // In `Password=hun ter2;Server=db`, the semicolon before the next key shows that the space belongs to the value.
    // The next pair is redacted, too.
    loop {
        let rest = &after[len..];
        let next = &rest[..rest.find('=').unwrap_or(rest.len())];
        let Some(semicolon) = next.rfind(';') else {
            return without_punctuation(after, len);
        };
        len += semicolon + unquoted(&rest[semicolon..]);
    }
}

/// Returns the length of a value without the punctuation of the surrounding sentence at its end.
fn without_punctuation(text: &str, len: usize) -> usize {
    text[..len].trim_end_matches(super::is_punctuation).len()
}

fn unquoted(text: &str) -> usize {
    text.find(char::is_whitespace).unwrap_or(text.len())
}

/// Returns the length of a value in quotes or braces. Within the value, the closing character is doubled or escaped
/// with a backslash. A value without a closing character extends to the end of the text.
fn quoted(text: &str) -> Option<usize> {
    let inner = text.trim_start_matches('\\');
    let end = match inner.chars().next()? {
        '{' => '}',
        quote @ ('"' | '\'') => quote,
        _ => return None,
    };
    let start = text.len() - inner.len();
    let mut characters = inner.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next();
        } else if character == end && characters.next_if(|(_, next)| *next == end).is_none() {
            return Some(start + at + end.len_utf8());
        }
    }
    Some(text.len())
}
