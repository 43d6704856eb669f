//! [`text`] and [`value`]: redact secrets of URLs and connection strings in any text.

use std::borrow::Cow;

use super::{REDACTED, ends_word, is_punctuation, pairs};

/// Replaces the secrets in a text with `REDACTED`. These secrets are recognized:
///
/// - the user info, the query values and the fragment of a URL, even if the scheme is missing or misspelled
///   (`http//user:password@host`), or the password contains reserved characters;
/// - the values of a query after an absolute or relative path, and of a query without a path (`a=1&b=2`);
/// - the values of keys such as `password`, `token` or `api_key` in a connection string (`host=db password=hunter2`), in
///   JSON and in the `Debug` output of a struct.
///
/// Use this function for printed texts such as log lines and errors: errors of HTTP clients and databases contain their
/// URL or connection string. If in doubt, text is redacted: in `http://host:8081/users/ann@host`, the part before the
/// `@` is redacted, because it could be a password that contains a slash. A space or a quote ends a URL. A password is
/// not recognized if it begins with digits and a slash and also contains `?` or `#`, because every URL with a port and
/// a query looks like that.
///
/// ```
/// use shared::redact;
///
/// let error = "error sending request for url (http://ann:hunter2@stock:8081/check?token=hunter2)";
/// let printed = "error sending request for url (http://REDACTED@stock:8081/check?token=REDACTED)";
/// assert_eq!(redact::text(error), printed);
/// ```
pub fn text(text: &str) -> Cow<'_, str> {
    let text = pairs::redact(text);
    if !text.contains(SUSPECT) {
        return text;
    }
    let mut redacted = String::with_capacity(text.len());
    for word in text.split_inclusive(ends_word) {
        let end = word.trim_end_matches(ends_word).len();
        redact(&word[..end], &mut redacted);
        redacted.push_str(&word[end..]);
    }
    redacted.into()
}

/// Like [`text`], but for a setting that should be a single URL or connection string: a space or a quote does not end
/// the URL, and everything after the first secret key is removed.
///
/// ```
/// assert_eq!(shared::redact::value("hunter2 @stock:8081"), "REDACTED@stock:8081");
/// assert_eq!(shared::redact::value("host=db password=hun ter2"), "host=db password=REDACTED");
/// ```
pub fn value(value: &str) -> Cow<'_, str> {
    let value = pairs::redact_rest(value);
    if !value.contains(SUSPECT) {
        return value;
    }
    let mut redacted = String::with_capacity(value.len());
    let scheme_end = value.find(SCHEME_END).map_or(0, |at| at + SCHEME_END.len());
    let (scheme, rest) = value.split_at(scheme_end);
    redacted.push_str(scheme);
    let at = rest.rfind('@').filter(|&at| !is_placeholder(&rest[..at]));
    if at.is_some() {
        redacted.push_str(REDACTED);
    }
    url_tail(&rest[at.unwrap_or(0)..], &mut redacted);
    redacted.into()
}

/// A text without any of these characters contains no URL with secrets.
const SUSPECT: [char; 4] = ['@', '?', '#', '&'];
const SCHEME_END: &str = "://";
/// Characters that start a query or a fragment.
const QUERY: [char; 2] = ['?', '#'];

/// Redacts a word, which may be a URL or contain several URLs.
fn redact(word: &str, redacted: &mut String) {
    // A URL within a query is redacted as part of the query.
    let scheme = word.split_once(SCHEME_END);
    let Some((before, mut rest)) = scheme.filter(|(before, _)| !has_query(before)) else {
        return redact_without_scheme(word, redacted);
    };
    redact_without_scheme(before, redacted);
    let marks = Marks::of(rest);
    let end = rest.len();
    loop {
        redacted.push_str(SCHEME_END);
        match marks.user_info(rest, end - rest.len()) {
            UserInfo::None => {}
            UserInfo::EndsAt(at) => {
                redacted.push_str(REDACTED);
                rest = &rest[at..];
            }
            UserInfo::Unclear => return redacted.push_str(REDACTED),
        }
        let (url, more) = rest.split_at(rest.find(SCHEME_END).unwrap_or(rest.len()));
        // Another URL may follow a path without a separator.
        if more.is_empty() || url.contains(QUERY) {
            return url_tail(rest, redacted);
        }
        redacted.push_str(url);
        rest = &more[SCHEME_END.len()..];
    }
}

fn redact_without_scheme(word: &str, redacted: &mut String) {
    // A word with a colon before an `@` is probably `user:password@host`.
    let at = word.rfind('@').filter(|&at| word[..at].contains(':'));
    if let Some(at) = at.filter(|&at| !is_placeholder(&word[..at])) {
        let query = word[..at].find(QUERY);
        let before_query = &word[..query.unwrap_or(0)];
        if query.is_some() && (has_port(before_query) || !before_query.contains(':')) {
            url_tail(word, redacted);
        } else if word[..at].contains(['?', '#', '&']) {
            // Either the `@` follows a password, or it is part of a query value.
            redacted.push_str(REDACTED);
        } else {
            redacted.push_str(REDACTED);
            url_tail(&word[at..], redacted);
        }
        return;
    }
    if word.starts_with('/') || (word.contains('?') && has_query(word)) {
        url_tail(word, redacted);
    } else if has_query(word) {
        query(word, redacted);
    } else {
        redacted.push_str(word);
    }
}

/// Returns whether a word without a scheme contains a query or is itself a query.
fn has_query(word: &str) -> bool {
    let is_path = word.starts_with('/') && word.contains(QUERY);
    // A question mark starts a query only if a `=` follows; otherwise it ends a sentence.
    let query = word.find('?').or_else(|| word.find('&').map(|_| 0));
    is_path || query.is_some_and(|at| word[at..].contains('='))
}

/// The result of searching for user info after the scheme of a URL.
enum UserInfo {
    None,
    /// Position of the `@` that ends the user info.
    EndsAt(usize),
    /// The end of the user info is unknown: a password may contain reserved characters, so the query may be part of it.
    Unclear,
}

/// Positions of the last `@` in a word: in the whole word and before its query. Computed once per word, because a word
/// may contain many URLs.
struct Marks {
    last: Option<usize>,
    last_in_path: Option<usize>,
}

impl Marks {
    fn of(word: &str) -> Self {
        let path = &word[..word.find(QUERY).unwrap_or(word.len())];
        Self {
            last: word.rfind('@'),
            last_in_path: path.rfind('@'),
        }
    }

    /// Finds the user info at the beginning of `rest`, which is the part of the word that begins at `start`.
    fn user_info(&self, rest: &str, start: usize) -> UserInfo {
        let authority = &rest[..rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())];
        let first = authority.split('@').next().unwrap_or(authority);
        let is_ipv6 = authority.starts_with('[');
        let from_start = |at: Option<usize>| at.and_then(|at| at.checked_sub(start));
        let at = match (authority.rfind('@'), first.contains(':') && !is_ipv6) {
            // Without a password, the user info ends in the authority: only a password may contain reserved characters.
            (at, false) => at,
            (Some(_), true) if self.last_in_path != self.last => return UserInfo::Unclear,
            // The digits after the colon are either a port or the part of a password before a slash.
            (None, true) if has_port(authority) => from_start(self.last_in_path),
            (_, true) => from_start(self.last),
        };
        match at.filter(|&at| !is_placeholder(&rest[..at])) {
            Some(at) => UserInfo::EndsAt(at),
            None => UserInfo::None,
        }
    }
}

/// Returns whether the text is a host with a port.
fn has_port(text: &str) -> bool {
    let port = text.split_once(':').map_or("", |(_, port)| port);
    !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether the user info is a placeholder of a help text, as in `postgres://user:password@host`.
fn is_placeholder(user_info: &str) -> bool {
    user_info == "user:password"
}

/// Appends a text to `redacted`: the path unchanged, the query and the fragment redacted.
fn url_tail(text: &str, redacted: &mut String) {
    let (path, rest) = text.split_at(text.find(QUERY).unwrap_or(text.len()));
    redacted.push_str(path);
    if rest.contains('@') && has_port(path) {
        // In `ann:80?hun=ter2@host`, the query, including its keys, may be the rest of a password.
        redacted.push_str(&rest[..1]);
        redacted.push_str(REDACTED);
    } else {
        query(rest, redacted);
    }
}

/// Redacts the values of a query, and parts of the query without a key. Punctuation of the surrounding sentence is
/// kept.
fn query(query: &str, redacted: &mut String) {
    let end = query.trim_end_matches(is_punctuation);
    for part in end.split_inclusive(['?', '&', ';', '#']) {
        let pair = part.trim_end_matches(['?', '&', ';', '#']);
        match pair.split_once('=') {
            Some((key, value)) if is_harmless(key, value) => redacted.push_str(pair),
            Some((key, _)) => redacted.extend([key, "=", REDACTED]),
            None if pair.is_empty() => {}
            None => redacted.push_str(REDACTED),
        }
        redacted.push_str(&part[pair.len()..]);
    }
    redacted.push_str(&query[end.len()..]);
}

/// Returns whether a query parameter of a database URL has a well-known value that is not secret and appears in help
/// texts.
fn is_harmless(key: &str, value: &str) -> bool {
    match key {
        "mode" => ["memory", "ro", "rw", "rwc"].contains(&value),
        "cache" => ["private", "shared"].contains(&value),
        "sslmode" => [
            "allow",
            "disable",
            "prefer",
            "require",
            "verify-ca",
            "verify-full",
        ]
        .contains(&value),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
