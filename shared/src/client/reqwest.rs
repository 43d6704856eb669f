//! What `reqwest` says of its errors, as `error.type`. Without the cargo feature `reqwest` there are none (`no_reqwest`).

use reqwest_middleware::Error;

use super::failure;
use crate::{error::causes, semconv};

/// A stable name for what kept the answer away: `timeout`, `dns`, `tls`, `connect`, `reset`, `redirect`, `body`, or
/// `_OTHER`.
///
/// For whoever groups failures, in a metric or on a span of one's own, by the names that the client spans have. The error's
/// own text would have as many values as there are addresses. A failed handshake is `tls` with rustls, and
/// `connect` with native-tls. An error that a middleware has wrapped, as
/// retries do, is looked through where it names its source.
pub fn error_type(error: &Error) -> &'static str {
    reqwest_error(error).map_or(semconv::ERROR_OTHER, |error| failure::name(error))
}

fn reqwest_error(error: &Error) -> Option<&reqwest::Error> {
    match error {
        Error::Reqwest(error) => Some(error),
        Error::Middleware(error) => error.chain().find_map(|cause| {
            let nested = cause.downcast_ref::<Error>().and_then(reqwest_error);
            nested.or_else(|| cause.downcast_ref())
        }),
    }
}

/// The name that `reqwest` has for it, where the error is one of its own.
pub(super) fn name(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let error = causes(error).find_map(|cause| cause.downcast_ref::<reqwest::Error>())?;
    if error.is_dns() {
        Some(semconv::ERROR_DNS)
    } else if error.is_timeout() {
        Some(semconv::ERROR_TIMEOUT)
    } else if error.is_redirect() {
        Some("redirect")
    } else if error.is_body() || error.is_decode() {
        Some(semconv::ERROR_BODY)
    } else {
        None
    }
}
