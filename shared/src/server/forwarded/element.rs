//! Parses the `Forwarded` header by [RFC 7239, section 4](https://www.rfc-editor.org/rfc/rfc7239#section-4): a list of
//! elements separated by commas. Each element consists of pairs separated by semicolons, whose values are tokens or
//! quoted strings. A comma inside quotes separates nothing.

use std::borrow::Cow;

/// The first element of a `Forwarded` header, which the proxy nearest to the client added.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::server) struct Forwarded<'a> {
    pub(in crate::server) client: Option<Cow<'a, str>>,
    pub(in crate::server) host: Option<Cow<'a, str>>,
    pub(in crate::server) proto: Option<Cow<'a, str>>,
}

/// Returns the first non-empty element of a `Forwarded` header, or `None` if that element is malformed.
pub(super) fn first(list: &str) -> Option<Forwarded<'_>> {
    let mut forwarded = Forwarded::default();
    let mut rest = list.trim_start_matches([' ', '\t', ',']);
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() || rest.starts_with(',') {
            return Some(forwarded);
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value(after)?;
        let slot = match name.trim_end() {
            name if name.eq_ignore_ascii_case("for") => Some(&mut forwarded.client),
            name if name.eq_ignore_ascii_case("host") => Some(&mut forwarded.host),
            name if name.eq_ignore_ascii_case("proto") => Some(&mut forwarded.proto),
            name if name.contains(['"', ',', ';']) => return None,
            _ => None,
        };
        // A repeated parameter makes the element malformed.
        if let Some(slot) = slot
            && slot.replace(value).is_some()
        {
            return None;
        }
        rest = after.trim_start();
        if !rest.is_empty() && !rest.starts_with([',', ';']) {
            return None;
        }
    }
}

/// Splits a token or a quoted string from the start of the text. An empty token or string is malformed.
fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let text = text.trim_start();
    let (value, after) = if let Some(quoted) = text.strip_prefix('"') {
        unquote(quoted)?
    } else {
        let end = text.find([',', ';', ' ', '\t', '"']);
        let (token, after) = text.split_at(end.unwrap_or(text.len()));
        (token.into(), after)
    };
    (!value.is_empty()).then_some((value, after))
}

/// Splits a quoted string at its closing quote, which is required. A backslash escapes the next character.
fn unquote(quoted: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value.into(), &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &str) -> Option<[String; 3]> {
        let Forwarded {
            client,
            host,
            proto,
        } = first(list)?;
        Some([client, host, proto].map(|value| value.unwrap_or_default().into_owned()))
    }

    #[test]
    fn first_forwarded_element_allows_quoted_separators() {
        for (list, [client, host, proto]) in [
            (
                "for=192.0.2.60;proto=http;by=203.0.113.43",
                ["192.0.2.60", "", "http"],
            ),
            (
                "For=\"[2001:db8:cafe::17]:4711\"",
                ["[2001:db8:cafe::17]:4711", "", ""],
            ),
            (
                "for=192.0.2.43, for=198.51.100.17;host=x",
                ["192.0.2.43", "", ""],
            ),
            (
                "for=\"a,b;c\\\"d\\\\\";HOST=\"x,y\" , for=z",
                ["a,b;c\"d\\", "x,y", ""],
            ),
            ("secret=\"x, for=6.6.6.6\";for=1.1.1.1", ["1.1.1.1", "", ""]),
            (
                " , ,for = 1.1.1.1 ;; proto = https ;",
                ["1.1.1.1", "", "https"],
            ),
            ("", ["", "", ""]),
        ] {
            let expected = [client, host, proto].map(str::to_owned);
            assert_eq!(read(list), Some(expected), "{list}");
        }
    }

    #[test]
    fn malformed_forwarded_element_is_ignored() {
        for list in [
            "for",
            "for=",
            "for=;host=x",
            "for=\"1.1.1.1",
            "for=\"1.1.1.1\\",
            "for=\"\"",
            "for=\"1.1.1.1\"2",
            "for=1.1.1.1 host=x",
            "for=1.1.1.1;for=2.2.2.2",
            "x, for=1.1.1.1",
        ] {
            assert_eq!(read(list), None, "{list}");
        }
    }
}
