//! Semantic conventions for CLIENT spans of HTTP requests.

use http::StatusCode;
use opentelemetry::trace::Status;

pub(crate) const HTTP_REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
pub(crate) const URL_FULL: &str = "url.full";
pub(crate) const URL_TEMPLATE: &str = "url.template";

/// `error.type` if the host name cannot be resolved.
pub(crate) const ERROR_DNS: &str = "dns";

/// Returns the span status of a CLIENT span: an error if the response status is 400 or above.
pub(crate) fn client_status(status: StatusCode) -> Status {
    if status.is_client_error() || status.is_server_error() {
        Status::error("")
    } else {
        Status::Unset
    }
}
