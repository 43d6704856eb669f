//! Names errors of `reqwest`, for `error.type`. `no_reqwest` replaces this file without the cargo feature `reqwest`.

use reqwest_middleware::Error;

use super::failure;
use crate::{error::causes, semconv};

/// Returns a stable name for a failed request: `timeout`, `dns`, `tls`, `connect`, `reset`, `redirect`, `body`, or `_OTHER`.
///
/// Client spans have the same names, so custom metrics and spans can group failures alike. The text of an error is unsuitable,
/// since it contains addresses. A failed handshake is `tls` with rustls and `connect` with native-tls. Errors wrapped by a
/// middleware, such as retries, are recognized if the wrapper has a `source`.
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

/// Returns the name of an error of `reqwest` itself.
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
