//! Of CLIENT spans.

use http::StatusCode;
use opentelemetry::trace::Status;

pub(crate) const HTTP_REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
pub(crate) const URL_FULL: &str = "url.full";
pub(crate) const URL_TEMPLATE: &str = "url.template";

/// `error.type` of a name that has no address.
pub(crate) const ERROR_DNS: &str = "dns";
/// `error.type` where the conventions ask for a value and nothing better is known.
pub(crate) const ERROR_OTHER: &str = "_OTHER";

/// The span status of a client: an error from 400 on.
pub(crate) fn client_status(status: StatusCode) -> Status {
    if status.is_client_error() || status.is_server_error() {
        Status::error("")
    } else {
        Status::Unset
    }
}
