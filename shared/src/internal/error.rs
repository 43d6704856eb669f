//! Formats errors with their causes on one line.

use std::error::Error;

use crate::redact;

/// Formats an error and its causes as one line, from the outermost error to the root cause. Use it for log lines, not
/// for responses.
///
/// ```
/// # let error = std::io::Error::other("disk full");
/// tracing::error!(error = shared::error::chain(&error), "the order failed");
/// ```
///
/// A cause is skipped if the line already contains its message. Secrets in URLs are [redacted](crate::redact::text),
/// since errors of HTTP clients contain the full URL.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut chain = String::new();
    for cause in causes(error).map(ToString::to_string) {
        if chain.is_empty() {
            chain = cause;
        } else if !chain.contains(&cause) {
            chain.push_str(": ");
            chain.push_str(&cause);
        }
    }
    redact::text(&chain).into_owned()
}

/// Iterates over an error, its source, the source's source, and so on.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error("the order failed")]
        Order(#[source] Box<Failure>),
        #[error("the driver failed: {0}")]
        Driver(#[source] std::io::Error),
    }

    #[test]
    fn chain_repeated_cause_appears_once() {
        let driver = Failure::Driver(std::io::Error::other("disk full"));
        let order = Failure::Order(Box::new(driver));
        assert_eq!(
            chain(&order),
            "the order failed: the driver failed: disk full"
        );
    }

    #[test]
    fn chain_cause_within_message_appears_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot listen on port 80: {0}; choose another")]
        struct Bind(#[source] std::io::Error);

        let bind = Bind(std::io::Error::other("in use"));
        assert_eq!(
            chain(&bind),
            "cannot listen on port 80: in use; choose another"
        );
    }

    #[test]
    fn chain_url_secrets_are_redacted() {
        let cause = std::io::Error::other("no answer from http://ann:hunter2@host/a?token=hunter2");
        assert_eq!(
            chain(&Failure::Driver(cause)),
            "the driver failed: no answer from http://REDACTED@host/a?token=REDACTED"
        );
    }
}
