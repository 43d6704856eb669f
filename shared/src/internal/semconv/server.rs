//! Semantic conventions for SERVER spans.

use http::StatusCode;

pub(crate) const CLIENT_ADDRESS: &str = "client.address";
pub(crate) const HTTP_REQUEST_BODY_SIZE: &str = "http.request.body.size";
pub(crate) const HTTP_RESPONSE_BODY_SIZE: &str = "http.response.body.size";
pub(crate) const HTTP_ROUTE: &str = "http.route";
pub(crate) const URL_PATH: &str = "url.path";
pub(crate) const URL_QUERY: &str = "url.query";
pub(crate) const URL_SCHEME: &str = "url.scheme";
pub(crate) const USER_AGENT_ORIGINAL: &str = "user_agent.original";

/// Name of the span event for a request that was dropped before its end: the caller disconnected, or an outer layer
/// dropped the request, for example on a timeout. The semantic conventions define no such event.
pub(crate) const EVENT_ABANDONED: &str = "request.abandoned";

/// `error.type` if the service returned an error instead of a response.
pub(crate) const ERROR_SERVICE: &str = "service";
/// `error.type` if the shutdown of the service cut off the request.
pub(crate) const ERROR_SHUTDOWN: &str = "shutdown";

/// Returns whether a response status makes the status of the SERVER span an error: from 500 on.
pub(crate) fn is_server_error(status: StatusCode) -> bool {
    status.is_server_error()
}
