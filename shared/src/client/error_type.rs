//! [`error_type`]: the name of a failure of a `reqwest` client, as its span has it.

use reqwest_middleware::Error;

use super::failure;
use crate::internal::semconv;

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
