//! [`ValueLimits`]: the maximum lengths of exported texts.

/// Maximum lengths of exported attribute values. The names of spans and events, and the descriptions of failed spans,
/// always have the default limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueLimits {
    /// Limit for attribute values other than stack traces. Defaults to 4 KiB.
    pub value: Limit,
    /// Limit for the stack trace of an exception. Defaults to 32 KiB.
    pub stack: Limit,
}

/// Maximum length of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Maximum number of UTF-8 bytes, to bound memory. Truncation never splits a character.
    Bytes(usize),
    /// Maximum number of characters, as in the [attribute
    /// limits](https://opentelemetry.io/docs/specs/otel/common/#attribute-limits) of the specification.
    Characters(usize),
}

const DEFAULT: ValueLimits = ValueLimits {
    value: Limit::Bytes(4096),
    stack: Limit::Bytes(32 * 1024),
};

const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";

impl Default for ValueLimits {
    fn default() -> Self {
        DEFAULT
    }
}

impl ValueLimits {
    #[cfg(feature = "http")]
    pub(crate) const NONE: Self = Self {
        value: Limit::Bytes(usize::MAX),
        stack: Limit::Bytes(usize::MAX),
    };

    /// Truncates an attribute value to the limit for its key.
    pub fn text<'a>(&self, key: &str, text: &'a str) -> &'a str {
        let limit = match key {
            EXCEPTION_STACKTRACE => self.stack,
            _ => self.value,
        };
        limit.truncate(text)
    }

    /// Truncates the name of a span or event, or the description of a failed span.
    pub fn name(name: &str) -> &str {
        DEFAULT.value.truncate(name)
    }
}

impl Limit {
    fn truncate(self, text: &str) -> &str {
        let end = match self {
            Self::Bytes(limit) => text.floor_char_boundary(limit),
            // A text never has more characters than bytes.
            Self::Characters(limit) if text.len() <= limit => text.len(),
            Self::Characters(limit) => text
                .char_indices()
                .nth(limit)
                .map_or(text.len(), |(position, _)| position),
        };
        &text[..end]
    }
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
