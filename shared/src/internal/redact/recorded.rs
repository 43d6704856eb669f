//! [`Redaction`]: redacts the URL attributes of a span.

use std::{borrow::Cow, sync::Arc};

use super::REDACTED;

/// The secret query keys listed by version 1.41 of the semantic conventions, including those of signed URLs of S3
/// (version 2) and `CloudFront`.
const SECRET_KEYS: [&str; 7] = [
    "AWSAccessKeyId",
    "Signature",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Goog-Signature",
    "sig",
];

/// Query keys with secret values: those listed by the conventions and those added by the application.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redaction {
    more_keys: Arc<[String]>,
}

impl Redaction {
    /// Adds query keys with secret values.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(crate) fn add<K: Into<String>>(&mut self, keys: impl IntoIterator<Item = K>) {
        let keys = keys.into_iter().map(Into::into);
        self.more_keys = self.more_keys.iter().cloned().chain(keys).collect();
    }

    /// Returns the redacted value of `url.query`.
    pub(crate) fn query(&self, query: &str) -> String {
        let pairs: Vec<Cow<'_, str>> = query.split('&').map(|pair| self.pair(pair)).collect();
        pairs.join("&")
    }

    fn pair<'a>(&self, pair: &'a str) -> Cow<'a, str> {
        match pair.split_once('=') {
            Some((key, _)) if self.is_secret(key) => format!("{key}={REDACTED}").into(),
            _ => pair.into(),
        }
    }

    /// Returns whether a query key is secret. Percent-encoding is decoded first, so that it does not hide a secret key.
    fn is_secret(&self, key: &str) -> bool {
        let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
        let more = self.more_keys.iter().map(String::as_str);
        SECRET_KEYS
            .into_iter()
            .chain(more)
            .any(|secret| key.eq_ignore_ascii_case(secret))
    }

    /// Returns the redacted value of `url.full`.
    #[cfg(any(feature = "client", feature = "otlp"))]
    pub(crate) fn url(&self, url: &url::Url) -> String {
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        if is_anonymous && url.query().is_none_or(str::is_empty) {
            return url.as_str().to_owned();
        }
        let mut url = url.clone();
        if !is_anonymous {
            let hidden = url
                .set_username(REDACTED)
                .and_then(|()| url.set_password(Some(REDACTED)));
            debug_assert!(
                hidden.is_ok(),
                "a URL with user info accepts other user info"
            );
        }
        if let Some(query) = url.query().map(|query| self.query(query)) {
            url.set_query(Some(&query));
        }
        url.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_query_keys_are_redacted() {
        let mut redaction = Redaction::default();
        redaction.add(["api_key"]);
        for (query, recorded) in [
            ("a=1&sig=secret&b=2", "a=1&sig=REDACTED&b=2"),
            (
                "X-Amz-Signature=s&X-Amz-Credential=c&X-Amz-Security-Token=t&X-Goog-Signature=g",
                "X-Amz-Signature=REDACTED&X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED&X-Goog-Signature=REDACTED",
            ),
            ("SIG=secret", "SIG=REDACTED"),
            ("%73ig=secret", "%73ig=REDACTED"),
            ("api_key=secret&sig=", "api_key=REDACTED&sig=REDACTED"),
            (
                "AWSAccessKeyId=s&Expires=1&Signature=s",
                "AWSAccessKeyId=REDACTED&Expires=1&Signature=REDACTED",
            ),
            (
                "Expires=1&Signature=s&Key-Pair-Id=k",
                "Expires=1&Signature=REDACTED&Key-Pair-Id=k",
            ),
            ("signatures=kept&sig", "signatures=kept&sig"),
            ("sig=a=b", "sig=REDACTED"),
            ("", ""),
        ] {
            assert_eq!(redaction.query(query), recorded);
        }
    }

    #[cfg(any(feature = "client", feature = "otlp"))]
    #[test]
    fn user_info_is_redacted() {
        let recorded = |url: &str| Redaction::default().url(&url.parse().unwrap());
        assert_eq!(
            recorded("https://user:secret@host/a?sig=x#f"),
            "https://REDACTED:REDACTED@host/a?sig=REDACTED#f"
        );
        assert_eq!(
            recorded("https://token@host/"),
            "https://REDACTED:REDACTED@host/"
        );
        assert_eq!(recorded("http://host/a?b=c"), "http://host/a?b=c");
    }
}
