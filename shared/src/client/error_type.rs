//! [`error_type`]: the name of a `reqwest` error, as recorded on client spans.

use reqwest_middleware::Error;

use super::failure;
use crate::internal::semconv;

/// Returns a stable name for a failed request: `timeout`, `dns`, `tls`, `connect`, `reset`, `redirect`, `body`, or `_OTHER`.
///
/// Client spans record the same names as `error.type`, so custom metrics and logs can group failures in the same way.
/// The text of an error is unsuitable for grouping, since it contains addresses. A failed TLS handshake is named `tls`
/// with rustls and `connect` with native-tls. An error that a middleware, such as retries, has wrapped is recognized if
/// the `source` of the wrapper returns it.
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
