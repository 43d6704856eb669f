//! Removes secrets from recorded and printed text.
//!
//! The URL attribute of a span (`recorded`) stays searchable: only the user info and the values of secret query keys
//! become `REDACTED`. Secret keys are those listed by the
//! [conventions](https://opentelemetry.io/docs/specs/semconv/registry/attributes/url/) and those set by the
//! application. If a URL is part of an error or a setting, the secret keys are unknown, so [`text`] and [`value`]
//! redact the values of all query keys. `is_error` recognizes fields of spans and log lines that contain the text of an
//! error.

mod pairs;
#[cfg(any(feature = "client", feature = "otlp", feature = "server"))]
mod recorded;
mod text;

#[cfg(any(feature = "client", feature = "otlp", feature = "server"))]
pub(crate) use self::recorded::Redaction;
pub use self::text::{text, value};

const REDACTED: &str = "REDACTED";

/// Returns whether a field of a span, an event or a log line contains the text of an error, which must be redacted.
#[cfg(feature = "telemetry")]
pub(crate) fn is_error(field: &str) -> bool {
    const PREFIXES: [&str; 2] = ["error.", "exception."];
    // `tracing-opentelemetry` adds the causes of an error in a field with this suffix.
    const CAUSES: &str = ".chain";
    matches!(field, "error" | "err")
        || PREFIXES.iter().any(|prefix| field.starts_with(prefix))
        || field.ends_with(CAUSES)
}

/// Returns whether a character ends a URL within a text. Parentheses do not end a URL, because passwords and queries
/// may contain them.
fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '`' | '<' | '>')
}

/// Returns whether a character after a URL or a value is punctuation of the surrounding sentence.
fn is_punctuation(c: char) -> bool {
    ")]}\"',.:!".contains(c)
}
