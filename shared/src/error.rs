//! An error and what is behind it.

use std::error::Error;

use crate::redact;

/// An error and its causes as one line, from the outermost to the root: for a log line, never for a caller.
///
/// ```
/// # let error = std::io::Error::other("disk full");
/// tracing::error!(error = shared::error::chain(&error), "the order failed");
/// ```
///
/// A cause that the message before it already ends with is not said twice. The secrets of URLs are
/// [redacted](crate::redact::text): the error of an HTTP client names the URL with all that was in it.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut chain = String::new();
    for cause in causes(error).map(ToString::to_string) {
        if chain.is_empty() {
            chain = cause;
        } else if !chain.ends_with(&cause) {
            chain.push_str(": ");
            chain.push_str(&cause);
        }
    }
    redact::text(&chain).into_owned()
}

/// The error itself, then what caused it, then what caused that.
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
    fn every_cause_is_said_once() {
        let driver = Failure::Driver(std::io::Error::other("disk full"));
        let order = Failure::Order(Box::new(driver));
        assert_eq!(
            chain(&order),
            "the order failed: the driver failed: disk full"
        );
    }

    #[test]
    fn secrets_of_a_url_are_left_out() {
        let cause = std::io::Error::other("no answer from http://ann:hunter2@host/a?token=hunter2");
        assert_eq!(
            chain(&Failure::Driver(cause)),
            "the driver failed: no answer from http://REDACTED@host/a?token=REDACTED"
        );
    }
}
