//! Takes secrets out of what is recorded and printed, in the one place where that is done.
//!
//! A span's URL (`recorded`) keeps what people search for: user info, the values of the query keys that the
//! [conventions](https://opentelemetry.io/docs/specs/semconv/registry/attributes/url/) list, and of those that the
//! application names, become `REDACTED`; the key itself stays, so that a reader sees that something was there. Where a URL
//! turns up in an error or a setting, nobody has said which keys are secret, so [`text`] and
//! [`value`] hide them all.

#[cfg(any(feature = "client", feature = "otlp", feature = "server"))]
mod recorded;
mod text;

#[cfg(any(feature = "client", feature = "otlp", feature = "server"))]
pub(crate) use self::recorded::Redaction;
pub use self::text::{text, value};

const REDACTED: &str = "REDACTED";
