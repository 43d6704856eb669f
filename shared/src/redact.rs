//! Takes secrets out of what is recorded and printed, in the one place where that is done.
//!
//! A span's URL (`recorded`) keeps what people search for: user info, the values of the query keys that the
//! [conventions](https://opentelemetry.io/docs/specs/semconv/registry/attributes/url/) list, and of those that the
//! application names, become `REDACTED`; the key itself stays, so that a reader sees that something was there. Where a URL
//! turns up in an error or a setting, it is unknown which keys are secret, so [`text`] and [`value`] hide them all.
//! [`is_error`] names the fields of spans and log lines that contain the text of an error.

mod pairs;
#[cfg(any(feature = "client", feature = "otlp", feature = "server"))]
mod recorded;
mod text;

#[cfg(any(feature = "client", feature = "otlp", feature = "server"))]
pub(crate) use self::recorded::Redaction;
pub use self::text::{text, value};

const REDACTED: &str = "REDACTED";

/// Whether a field of a span, an event or a log line contains the text of an error, which is redacted.
#[cfg(feature = "telemetry")]
pub(crate) fn is_error(field: &str) -> bool {
    const PREFIXES: [&str; 2] = ["error.", "exception."];
    // `tracing-opentelemetry` adds the causes of an error under such a key.
    const CAUSES: &str = ".chain";
    matches!(field, "error" | "err")
        || PREFIXES.iter().any(|prefix| field.starts_with(prefix))
        || field.ends_with(CAUSES)
}

/// Characters that end a URL in a sentence. Parentheses do not: they are valid in passwords and queries.
fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '`' | '<' | '>')
}

/// Characters after a URL or a value that belong to the sentence.
fn is_punctuation(c: char) -> bool {
    ")]}\"',.:!".contains(c)
}
