//! Conventions of CLIENT spans.

use http::StatusCode;
use opentelemetry::trace::Status;

pub(crate) const HTTP_REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
pub(crate) const URL_FULL: &str = "url.full";
pub(crate) const URL_TEMPLATE: &str = "url.template";

/// `error.type` of a host name that cannot be resolved.
pub(crate) const ERROR_DNS: &str = "dns";

/// Returns the status of a CLIENT span: an error from 400 on.
pub(crate) fn client_status(status: StatusCode) -> Status {
    if status.is_client_error() || status.is_server_error() {
        Status::error("")
    } else {
        Status::Unset
    }
}
