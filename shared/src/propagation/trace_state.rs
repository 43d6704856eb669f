//! The rules of the `tracestate` header: [W3C Trace Context Level 2, section 3.3](https://www.w3.org/TR/trace-context-2/#tracestate-header).

const MAX_MEMBERS: usize = 32;
const MAX_KEY: usize = 256;
const MAX_VALUE: usize = 256;

/// Joins the `tracestate` headers into one list without changing the members. Returns `None` if the list is empty or
/// invalid: one illegal member, or more than 32 members, invalidates the whole list.
pub(super) fn combine(headers: &[&str]) -> Option<String> {
    let mut members = 0;
    for header in headers {
        for member in header
            .split(',')
            .map(trim)
            .filter(|member| !member.is_empty())
        {
            members += 1;
            if members > MAX_MEMBERS || !is_member(member) {
                return None;
            }
        }
    }
    if members == 0 {
        return None;
    }
    let mut lists = headers
        .iter()
        .map(|header| trim(header))
        .filter(|list| !list.is_empty());
    let mut combined = lists.next()?.to_owned();
    for list in lists {
        combined.push(',');
        combined.push_str(list);
    }
    Some(combined)
}

/// Returns the members of a valid `tracestate` list, in order.
pub(super) fn members(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.split(',')
        .map(trim)
        .filter_map(|member| member.split_once('='))
}

/// Trims the optional white space that HTTP allows around a header value and a list member.
pub(super) fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [b' ' | b'\t', ..] | [.., b' ' | b'\t'] => text.trim_matches([' ', '\t']),
        // Usually there is nothing to trim, and skipping `trim_matches` is several times faster.
        _ => text,
    }
}

fn is_member(member: &str) -> bool {
    member
        .split_once('=')
        .is_some_and(|(key, value)| is_key(key) && is_value(value))
}

fn is_key(key: &str) -> bool {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@')
    };
    key.len() <= MAX_KEY
        && key.bytes().all(allowed)
        && key.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
}

/// Checks the value of a trimmed member, which cannot end in a space.
fn is_value(value: &str) -> bool {
    (1..=MAX_VALUE).contains(&value.len())
        && value
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~') && byte != b'=')
}
