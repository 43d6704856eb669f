//! Limits and redacts the texts of a span before they are exported.

use std::borrow::Cow;

use opentelemetry::KeyValue;

use crate::{redact, semconv};

/// Maximum length of exported attribute values.
#[derive(Debug, Clone, Copy)]
pub(super) struct ValueLimits {
    /// For attribute values.
    pub(super) value: Limit,
    /// For the stack trace of an exception.
    pub(super) stack: Limit,
}

/// Maximum length of a text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Limit {
    /// The built-in limits bound memory, so they count bytes.
    Bytes(usize),
    /// Limits set by environment variables count characters
    /// ([attribute limits](https://opentelemetry.io/docs/specs/otel/common/#attribute-limits)).
    Characters(usize),
}

impl ValueLimits {
    pub(super) const DEFAULT: Self = Self {
        value: Limit::Bytes(4096),
        stack: Limit::Bytes(32 * 1024),
    };
    #[cfg(feature = "otlp")]
    pub(super) const NONE: Self = Self {
        value: Limit::Bytes(usize::MAX),
        stack: Limit::Bytes(usize::MAX),
    };

    /// Truncates an attribute value to its limit and redacts texts of errors.
    pub(super) fn text<'a>(self, key: &str, text: &'a str) -> Cow<'a, str> {
        let limit = match key {
            semconv::EXCEPTION_STACKTRACE => self.stack,
            _ => self.value,
        };
        if !redact::is_error(key) {
            return limit.truncate(text).into();
        }
        match redact::text(text) {
            Cow::Borrowed(text) => limit.truncate(text).into(),
            Cow::Owned(text) => limit.truncate(&text).to_owned().into(),
        }
    }
}

/// Returns the key of an attribute by which [`ValueLimits::text`] decides whether it is the text of an error.
///
/// An error that was recorded under another name (`cause = &error as &dyn Error`) is recognized by its `cause.chain`.
pub(super) fn kind<'a>(key: &'a str, has_causes: bool, attributes: &[KeyValue]) -> &'a str {
    let causes = |other: &KeyValue| other.key.as_str().strip_suffix(CAUSES) == Some(key);
    if has_causes && attributes.iter().any(causes) {
        "error"
    } else {
        key
    }
}

/// Whether errors are among the attributes.
pub(super) fn have_causes(attributes: &[KeyValue]) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.key.as_str().ends_with(CAUSES))
}

/// Ends the key under which `tracing-opentelemetry` records the causes of an error.
const CAUSES: &str = ".chain";

impl Limit {
    fn truncate(self, text: &str) -> &str {
        let end = match self {
            Self::Bytes(limit) => text.floor_char_boundary(limit),
            // A text has at least as many bytes as characters.
            Self::Characters(limit) if text.len() <= limit => text.len(),
            Self::Characters(limit) => text
                .char_indices()
                .nth(limit)
                .map_or(text.len(), |(position, _)| position),
        };
        &text[..end]
    }
}

/// Truncates the name of a span or event.
pub(super) fn name(name: &str) -> &str {
    ValueLimits::DEFAULT.value.truncate(name)
}

/// Redacts and truncates the description of a failed span, since texts of errors can contain URLs with secrets.
pub(super) fn error(description: &str) -> String {
    let limit = ValueLimits::DEFAULT.value;
    limit.truncate(&redact::text(description)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::Limit;

    #[test]
    fn truncation_keeps_whole_characters() {
        for (limit, text, expected) in [
            (Limit::Bytes(3), "aéé", "aé"),
            (Limit::Bytes(2), "aé", "a"),
            (Limit::Bytes(0), "é", ""),
            (Limit::Characters(2), "aéé", "aé"),
            (Limit::Characters(3), "aéé", "aéé"),
            (Limit::Characters(1), "👩‍🚀", "👩"),
            (Limit::Characters(0), "é", ""),
            (Limit::Characters(usize::MAX), "é", "é"),
        ] {
            assert_eq!(limit.truncate(text), expected, "{limit:?} of {text}");
        }
    }
}
