//! What SERVER and CLIENT spans have in common.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use http::{Method, Version};

use crate::config;

/// Followed by the header's name in lower case.
pub(crate) const HTTP_REQUEST_HEADER: &str = "http.request.header.";
pub(crate) const HTTP_REQUEST_METHOD: &str = "http.request.method";
pub(crate) const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
/// Followed by the header's name in lower case.
pub(crate) const HTTP_RESPONSE_HEADER: &str = "http.response.header.";
pub(crate) const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
pub(crate) const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
pub(crate) const NETWORK_PEER_PORT: &str = "network.peer.port";
pub(crate) const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";

/// `error.type` of a response body that failed on its way.
pub(crate) const ERROR_BODY: &str = "body";

/// The methods that are recorded by name.
const KNOWN_METHODS: [&str; 10] = [
    "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "QUERY",
];

/// `http.request.method` of a method that is not known.
const OTHER_METHOD: &str = "_OTHER";

/// Which methods are recorded by name. A caller may send any word as a method, and each would be a name of its own.
///
/// By default those of the conventions, or the comma-separated list in `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`.
#[derive(Debug, Clone)]
pub(crate) struct KnownMethods(Arc<[String]>);

impl KnownMethods {
    pub(crate) fn new<M: Into<String>>(methods: impl IntoIterator<Item = M>) -> Self {
        Self(methods.into_iter().map(Into::into).collect())
    }

    /// `http.request.method` of a request.
    pub(crate) fn name(&self, method: &Method) -> Cow<'static, str> {
        match KNOWN_METHODS
            .iter()
            .find(|known| **known == method.as_str())
        {
            _ if !self.0.iter().any(|known| known == method.as_str()) => OTHER_METHOD.into(),
            Some(known) => (*known).into(),
            None => method.as_str().to_owned().into(),
        }
    }

    /// `http.request.method_original` of a request, where its method is not known.
    pub(crate) fn original(&self, method: &Method) -> Option<String> {
        (self.name(method) == OTHER_METHOD).then(|| method.as_str().to_owned())
    }
}

impl Default for KnownMethods {
    fn default() -> Self {
        static DEFAULT: LazyLock<KnownMethods> = LazyLock::new(|| {
            match config::text(&config::variable, "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS") {
                Some(methods) => KnownMethods::new(methods.split(',').map(str::trim)),
                None => KnownMethods::new(KNOWN_METHODS),
            }
        });
        DEFAULT.clone()
    }
}

/// `{method} {target}`, where the target is a route or a URL template and never a path; without one, the method alone.
pub(crate) fn http_span_name(method: &str, target: Option<&str>) -> String {
    let method = if method == OTHER_METHOD {
        "HTTP"
    } else {
        method
    };
    target.map_or_else(|| method.to_owned(), |target| format!("{method} {target}"))
}

/// `server.address`: an IPv6 address is in brackets in a URL only.
pub(crate) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// `network.protocol.version`, without the name of the protocol.
pub(crate) fn protocol_version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}
