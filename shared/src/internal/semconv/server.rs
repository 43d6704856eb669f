//! Conventions of SERVER spans.

use http::StatusCode;

pub(crate) const CLIENT_ADDRESS: &str = "client.address";
pub(crate) const HTTP_REQUEST_BODY_SIZE: &str = "http.request.body.size";
pub(crate) const HTTP_RESPONSE_BODY_SIZE: &str = "http.response.body.size";
pub(crate) const HTTP_ROUTE: &str = "http.route";
pub(crate) const URL_PATH: &str = "url.path";
pub(crate) const URL_QUERY: &str = "url.query";
pub(crate) const URL_SCHEME: &str = "url.scheme";
pub(crate) const USER_AGENT_ORIGINAL: &str = "user_agent.original";

/// Event of a server span whose request was dropped before its end: the caller disconnected, or an outer layer dropped it, for
/// example on a timeout. The conventions have no name for this.
pub(crate) const EVENT_ABANDONED: &str = "request.abandoned";

/// `error.type` of a service that returned an error instead of a response.
pub(crate) const ERROR_SERVICE: &str = "service";
/// `error.type` of a request that was cut off by the shutdown of its service.
pub(crate) const ERROR_SHUTDOWN: &str = "shutdown";

/// Returns the status of a SERVER span: an error from 500 on. Without a description, since the code states the reason.
pub(crate) fn is_server_error(status: StatusCode) -> bool {
    status.is_server_error()
}
