//! [`BaseUrl`]: the URL of another service.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;
use shared::redact;

/// An `http` or `https` URL to which paths are appended, with or without a final slash. Printed without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact::value(self.0.as_str()))
    }
}

/// The text is not a URL to which paths can be appended.
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

    /// Appends path segments. `/`, `?`, `#` and `%` inside a segment are percent-encoded.
    ///
    /// Segments `.` and `..` are omitted, because a URL cannot contain them.
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
