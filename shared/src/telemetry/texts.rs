//! Limits and redacts the texts of a span before they are exported.

use std::borrow::Cow;

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

    /// Truncates an attribute value to its limit and redacts exception messages.
    pub(super) fn text<'a>(self, key: &str, text: &'a str) -> Cow<'a, str> {
        match key {
            semconv::EXCEPTION_STACKTRACE => self.stack.truncate(text).into(),
            semconv::EXCEPTION_MESSAGE => {
                self.value.truncate(&redact::text(text)).to_owned().into()
            }
            _ => self.value.truncate(text).into(),
        }
    }
}

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
