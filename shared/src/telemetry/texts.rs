//! What of a span's texts leaves the process, by whichever way: values to their limits, and errors without their secrets.

use std::borrow::Cow;

use crate::{redact, semconv};

/// How many bytes of a text are exported.
#[derive(Debug, Clone, Copy)]
pub(super) struct ValueLimits {
    /// Of an attribute's value.
    pub(super) value: usize,
    /// Of an exception's stack trace.
    pub(super) stack: usize,
}

impl ValueLimits {
    pub(super) const DEFAULT: Self = Self {
        value: 4096,
        stack: 32 * 1024,
    };
    #[cfg(feature = "otlp")]
    pub(super) const NONE: Self = Self {
        value: usize::MAX,
        stack: usize::MAX,
    };

    /// An attribute's value, up to a character's end.
    pub(super) fn text<'a>(self, key: &str, text: &'a str) -> Cow<'a, str> {
        match key {
            semconv::EXCEPTION_STACKTRACE => cut(text, self.stack).into(),
            semconv::EXCEPTION_MESSAGE => cut(&redact::text(text), self.value).to_owned().into(),
            _ => cut(text, self.value).into(),
        }
    }
}

/// A name: what is longer than any is none.
pub(super) fn name(name: &str) -> &str {
    cut(name, ValueLimits::DEFAULT.value)
}

/// What an error says of itself: one that was recorded as it is names the URL of its call, secrets and all.
pub(super) fn error(description: &str) -> String {
    cut(&redact::text(description), ValueLimits::DEFAULT.value).to_owned()
}

fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}
