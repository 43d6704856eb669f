//! [`BaseUrl`]: the URL of another service.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;
use shared::redact;

/// An `http` or `https` URL that paths are appended to, with or without a slash at its end. Printed without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact::value(self.0.as_str()))
    }
}

/// The text is no URL that paths can be appended to.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("expected an http or https URL without `?` and `#`")]
pub struct BaseUrlError;

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let url = Url::parse(text).map_err(|_| BaseUrlError)?;
        let is_http = matches!(url.scheme(), "http" | "https");
        if is_http && url.query().is_none() && url.fragment().is_none() {
            Ok(Self(url))
        } else {
            Err(BaseUrlError)
        }
    }
}

impl BaseUrl {
    pub(crate) fn get(&self) -> &Url {
        &self.0
    }

    /// Appends path segments. Whatever is in a segment stays in it: `/`, `?`, `#` and `%` are percent-encoded.
    ///
    /// The exceptions are `.` and `..`, which no URL can have as a segment: they are left out.
    pub(crate) fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        url.path_segments_mut()
            .expect("an http URL has a path")
            .pop_if_empty()
            .extend(segments);
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segment_stays_one_segment() {
        let base: BaseUrl = "http://host/prefix/".parse().unwrap();
        for (segment, path) in [
            ("item-123", "/prefix/check/item-123"),
            ("a/b", "/prefix/check/a%2Fb"),
            ("../x", "/prefix/check/..%2Fx"),
            (r"..\x", "/prefix/check/..%5Cx"),
            ("?x#y", "/prefix/check/%3Fx%23y"),
            ("%2e%2e", "/prefix/check/%252e%252e"),
            ("ü", "/prefix/check/%C3%BC"),
        ] {
            assert_eq!(base.join(&["check", segment]).path(), path);
        }
    }
}
