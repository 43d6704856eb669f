//! Errors in every form in which a span, an event or a log line can record them.

use std::{error::Error, fmt};

/// An error with a text and an optional cause.
#[derive(Debug)]
struct Failure {
    text: String,
    cause: Option<Box<Failure>>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let cause = self.cause.as_ref();
        cause.map(|cause| &**cause as &(dyn Error + 'static))
    }
}

/// Records an error with this text and a cause, in every form and in several spans.
pub(crate) fn record(text: &str) {
    let failure = |text: String, cause| Failure { text, cause };
    let cause = failure(format!("cause: {text}"), None);
    let failure = failure(text.to_owned(), Some(Box::new(cause)));
    let error: &(dyn Error + 'static) = &failure;
    let spans = [
        tracing::info_span!("typed", error),
        tracing::info_span!("renamed", cause = error),
        tracing::info_span!("displayed", error = %error),
        tracing::info_span!("debugged", err = ?error),
        tracing::info_span!("text", error = error.to_string()),
    ];
    for span in spans {
        let _entered = span.entered();
        // An event that has an error but no message is recorded as an exception.
        tracing::error!(error);
        tracing::error!(error = %error);
        tracing::error!(error = ?error);
        tracing::error!(error = error.to_string());
        tracing::error!(error, "typed");
        tracing::error!(cause = error, "renamed");
        tracing::error!(error = %error, "displayed");
        tracing::error!(err = ?error, "debugged");
        tracing::error!(error = error.to_string(), "text");
        tracing::error!(exception.message = %error, "exception");
    }
}
