//! [`text`] and [`value`]: the secrets of URLs, wherever one turns up.

use std::borrow::Cow;

use super::REDACTED;

/// The text, with the secrets of every URL in it replaced by `REDACTED`: user info, the values of the query, the fragment.
///
/// For what is printed: a log line, an error. Errors of HTTP clients and databases carry the URL they were made with, with
/// whatever it was given. A URL that is misspelled (`http//user:password@host`) or has reserved characters in its password
/// counts too.
///
/// ```
/// use shared::redact;
///
/// let error = "error sending request for url (http://ann:hunter2@stock:8081/check?token=hunter2)";
/// let printed = "error sending request for url (http://REDACTED@stock:8081/check?token=REDACTED)";
/// assert_eq!(redact::text(error), printed);
/// ```
pub fn text(text: &str) -> Cow<'_, str> {
    if !text.contains(SUSPECT) {
        return text.into();
    }
    let mut redacted = String::with_capacity(text.len());
    for word in text.split_inclusive(ends_word) {
        let end = word.trim_end_matches(ends_word).len();
        redact(&word[..end], &mut redacted);
        redacted.push_str(&word[end..]);
    }
    redacted.into()
}

/// The same for a text that is one URL or was meant to be: a setting. When in doubt it is a secret, whatever it looks like.
///
/// ```
/// assert_eq!(shared::redact::value("hunter2 @stock:8081"), "REDACTED@stock:8081");
/// ```
pub fn value(value: &str) -> Cow<'_, str> {
    if !value.contains(SUSPECT) {
        return value.into();
    }
    let mut redacted = String::with_capacity(value.len());
    let scheme_end = value.find(SCHEME_END).map_or(0, |at| at + SCHEME_END.len());
    let (scheme, rest) = value.split_at(scheme_end);
    redacted.push_str(scheme);
    let at = rest.rfind('@');
    if at.is_some() {
        redacted.push_str(REDACTED);
    }
    url_tail(&rest[at.unwrap_or(0)..], &mut redacted);
    redacted.into()
}

/// Before or after one of these a URL has its secrets.
const SUSPECT: [char; 3] = ['@', '?', '#'];
const SCHEME_END: &str = "://";

/// What no URL has in it, as it is written into a sentence.
fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '`' | '<' | '>' | '(' | ')')
}

/// A word, which may be a URL, have one in it, or several.
fn redact(word: &str, redacted: &mut String) {
    let Some((before, mut rest)) = word.split_once(SCHEME_END) else {
        return redact_without_scheme(word, redacted);
    };
    redacted.push_str(before);
    loop {
        redacted.push_str(SCHEME_END);
        let next = rest.find(SCHEME_END).unwrap_or(rest.len());
        let user_info = user_info(&rest[..next]);
        if user_info.is_some() {
            redacted.push_str(REDACTED);
        }
        let (url, more) = rest.split_at(next);
        let url = &url[user_info.unwrap_or(0)..];
        // A path may run into another URL. What is in a query belongs to the query.
        if more.is_empty() || url.contains(['?', '#']) {
            return url_tail(&rest[user_info.unwrap_or(0)..], redacted);
        }
        redacted.push_str(url);
        rest = &more[SCHEME_END.len()..];
    }
}

fn redact_without_scheme(word: &str, redacted: &mut String) {
    match word.rfind('@') {
        // `user:password@host`: what has a colon before an `@` is hardly anything else.
        Some(at) if word[..at].contains(':') => {
            redacted.push_str(REDACTED);
            url_tail(&word[at..], redacted);
        }
        _ if word.starts_with('/') => url_tail(word, redacted),
        _ => redacted.push_str(word),
    }
}

/// Where the user info of what follows a scheme ends: at its `@`.
fn user_info(rest: &str) -> Option<usize> {
    let authority = &rest[..rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())];
    authority.rfind('@').or_else(|| {
        // No port follows this colon, so it is a password that should have been percent-encoded. Or an IPv6 address.
        let (_, port) = authority.split_once(':')?;
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
        let no_password = is_port || authority.starts_with('[');
        if no_password { None } else { rest.rfind('@') }
    })
}

/// Copies a path and hides what comes after it: the values of the query, and the fragment.
fn url_tail(text: &str, redacted: &mut String) {
    let (path, query) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
    redacted.push_str(path);
    for part in query.split_inclusive(['?', '&', ';', '#']) {
        let pair = part.trim_end_matches(['?', '&', ';', '#']);
        match pair.split_once('=') {
            Some((key, _)) => redacted.extend([key, "=", REDACTED]),
            None if pair.is_empty() => {}
            None => redacted.push_str(REDACTED),
        }
        redacted.push_str(&part[pair.len()..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_url_are_redacted_wherever_it_is_in_a_text() {
        for (said, printed) in [
            (
                "error sending request for url (http://ann:hunter2@host:80/a?b=hunter2&c=hunter2#hunter2)",
                "error sending request for url (http://REDACTED@host:80/a?b=REDACTED&c=REDACTED#REDACTED)",
            ),
            (
                "from \"https://hunter2@a/\" to <https://b?hunter2>: refused",
                "from \"https://REDACTED@a/\" to <https://b?REDACTED>: refused",
            ),
            (
                "http://a/x,http://ann:hunter2@b/y",
                "http://a/x,http://REDACTED@b/y",
            ),
            (
                "http://a?to=http://ann:hunter2@b/?c=hunter2",
                "http://a?to=REDACTED?c=REDACTED",
            ),
            ("amqp://a:b@h1:1,c:hunter2@h2/v", "amqp://REDACTED@h2/v"),
            ("ann:hunter2@db.example/shop", "REDACTED@db.example/shop"),
            (
                "postgres//ann:hunter2@db/shop?x=hunter2",
                "REDACTED@db/shop?x=REDACTED",
            ),
            (
                "postgres://ann:hun/ter2@db/shop",
                "postgres://REDACTED@db/shop",
            ),
            (
                "postgres://ann:hun?ter2#@db/shop",
                "postgres://REDACTED@db/shop",
            ),
            (
                "postgres://ann:hun@ter2@db/shop",
                "postgres://REDACTED@db/shop",
            ),
            (
                "http://[::1]:80/a?b=hunter2",
                "http://[::1]:80/a?b=REDACTED",
            ),
            (
                "no route for /check/a?sig=hunter2",
                "no route for /check/a?sig=REDACTED",
            ),
            (
                "http://größe:hunter2@größe/ü?ü=hunter2",
                "http://REDACTED@größe/ü?ü=REDACTED",
            ),
        ] {
            assert_eq!(text(said), printed);
            assert!(!printed.contains("hunter2"));
        }
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is() {
        for said in [
            "",
            "connection refused (os error 111)",
            "tell ann@example.com: what? #5",
            "http://127.0.0.1:8081/check/item-123",
            "http://host:8081/users/ann@example.com",
            "http://[2001:db8::1]/@scope/x",
            "://",
            "@",
        ] {
            assert_eq!(text(said), said);
        }
    }

    #[test]
    fn a_value_is_redacted_when_in_doubt() {
        for (said, printed) in [
            ("http://inventory:8081", "http://inventory:8081"),
            ("hunter2@inventory:8081", "REDACTED@inventory:8081"),
            (
                "http://ann:hun(ter2) @inventory",
                "http://REDACTED@inventory",
            ),
            (
                "http://ann:80?hunter2@inventory/?a=hunter2",
                "http://REDACTED@inventory/?a=REDACTED",
            ),
            (
                "inventory:8081?token=hunter2",
                "inventory:8081?token=REDACTED",
            ),
        ] {
            assert_eq!(value(said), printed);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_redacted_and_is_not_redacted_further(said in ".*", more in "[@?#&;=:/ a\u{e9}]*") {
            for said in [said, more] {
                for redact in [text, value] {
                    let once = redact(&said).into_owned();
                    proptest::prop_assert_eq!(redact(&once), once.as_str());
                }
            }
        }

        #[test]
        fn no_password_of_a_value_is_left(before in "[ -~]*", after in "[ -~]*") {
            let url = format!("http://ann:{before}hunter2{after}@host/path");
            proptest::prop_assert!(!value(&url).contains("hunter2"));
        }
    }
}
