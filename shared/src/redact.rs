//! Takes secrets out of URLs before they are recorded.
//!
//! User info and the query keys that the [conventions](https://opentelemetry.io/docs/specs/semconv/registry/attributes/url/)
//! list become `REDACTED`; the key itself stays, so that a reader sees that something was there.

use std::borrow::Cow;

use url::Url;

const REDACTED: &str = "REDACTED";
const SECRET_KEYS: [&str; 5] = [
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Goog-Signature",
    "sig",
];

/// A query string as it may be recorded.
pub(crate) fn query(query: &str) -> String {
    let pairs: Vec<Cow<'_, str>> = query.split('&').map(pair).collect();
    pairs.join("&")
}

fn pair(pair: &str) -> Cow<'_, str> {
    match pair.split_once('=') {
        Some((key, _)) if is_secret(key) => format!("{key}={REDACTED}").into(),
        _ => pair.into(),
    }
}

/// Compares what the receiver will read, so an escape in the key does not hide it.
fn is_secret(key: &str) -> bool {
    let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
    SECRET_KEYS
        .iter()
        .any(|secret| key.eq_ignore_ascii_case(secret))
}

/// An absolute URL as it may be recorded: `url.full`, without its fragment's peer, the user info.
pub(crate) fn url(url: &Url) -> String {
    let mut url = url.clone();
    if !url.username().is_empty() || url.password().is_some() {
        // Only URLs without a host refuse user info, and those have none to hide.
        let hidden = url
            .set_username(REDACTED)
            .and_then(|()| url.set_password(Some(REDACTED)));
        debug_assert!(hidden.is_ok(), "a URL with user info takes user info");
    }
    if let Some(raw) = url.query() {
        let redacted = query(raw);
        url.set_query(Some(&redacted));
    }
    url.into()
}
