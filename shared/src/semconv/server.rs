//! Of SERVER spans.

use http::StatusCode;

pub(crate) const CLIENT_ADDRESS: &str = "client.address";
pub(crate) const HTTP_REQUEST_BODY_SIZE: &str = "http.request.body.size";
pub(crate) const HTTP_RESPONSE_BODY_SIZE: &str = "http.response.body.size";
pub(crate) const HTTP_ROUTE: &str = "http.route";
pub(crate) const URL_PATH: &str = "url.path";
pub(crate) const URL_QUERY: &str = "url.query";
pub(crate) const URL_SCHEME: &str = "url.scheme";
pub(crate) const USER_AGENT_ORIGINAL: &str = "user_agent.original";

/// The event of a server span whose request was dropped before its end: by a caller who went away, or by a layer above
/// that had enough of it. Not from the conventions: they have no word for it.
pub(crate) const EVENT_ABANDONED: &str = "shared.request.abandoned";

/// `error.type` of a service that failed to answer.
pub(crate) const ERROR_SERVICE: &str = "service";
/// `error.type` of a request that its own service cut off when it stopped.
pub(crate) const ERROR_SHUTDOWN: &str = "shutdown";

/// Whether an answer makes the span of its server an error: from 500 on. No description where the code says it.
pub(crate) fn is_server_error(status: StatusCode) -> bool {
    status.is_server_error()
}
