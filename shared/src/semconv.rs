//! The OpenTelemetry semantic conventions, version 1.44: attribute keys, span names, status and `error.type` rules.
//!
//! The only place that spells them. HTTP: [spans](https://opentelemetry.io/docs/specs/semconv/http/http-spans/);
//! SQL: [database client spans](https://opentelemetry.io/docs/specs/semconv/database/database-spans/).

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, LazyLock},
};

use http::{Method, StatusCode, Version};
use opentelemetry::{StringValue, trace::Status};

use crate::config;

pub(crate) const CLIENT_ADDRESS: &str = "client.address";
pub(crate) const DB_COLLECTION_NAME: &str = "db.collection.name";
pub(crate) const DB_NAMESPACE: &str = "db.namespace";
pub(crate) const DB_OPERATION_NAME: &str = "db.operation.name";
pub(crate) const DB_QUERY_TEXT: &str = "db.query.text";
pub(crate) const DB_RESPONSE_STATUS_CODE: &str = "db.response.status_code";
pub(crate) const DB_SYSTEM_NAME: &str = "db.system.name";
pub(crate) const ERROR_TYPE: &str = "error.type";
pub(crate) const EXCEPTION: &str = "exception";
pub(crate) const EXCEPTION_MESSAGE: &str = "exception.message";
pub(crate) const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";
pub(crate) const EXCEPTION_TYPE: &str = "exception.type";
pub(crate) const HTTP_REQUEST_BODY_SIZE: &str = "http.request.body.size";
/// Followed by the header's name in lower case.
pub(crate) const HTTP_REQUEST_HEADER: &str = "http.request.header.";
pub(crate) const HTTP_REQUEST_METHOD: &str = "http.request.method";
pub(crate) const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
pub(crate) const HTTP_REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
pub(crate) const HTTP_RESPONSE_BODY_SIZE: &str = "http.response.body.size";
/// Followed by the header's name in lower case.
pub(crate) const HTTP_RESPONSE_HEADER: &str = "http.response.header.";
pub(crate) const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
pub(crate) const HTTP_ROUTE: &str = "http.route";
pub(crate) const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
pub(crate) const NETWORK_PEER_PORT: &str = "network.peer.port";
pub(crate) const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
pub(crate) const OTEL_COMPONENT_NAME: &str = "otel.component.name";
pub(crate) const OTEL_COMPONENT_TYPE: &str = "otel.component.type";
pub(crate) const SERVER_ADDRESS: &str = "server.address";
pub(crate) const SERVER_PORT: &str = "server.port";
pub(crate) const URL_FULL: &str = "url.full";
pub(crate) const URL_PATH: &str = "url.path";
pub(crate) const URL_QUERY: &str = "url.query";
pub(crate) const URL_SCHEME: &str = "url.scheme";
pub(crate) const URL_TEMPLATE: &str = "url.template";
pub(crate) const USER_AGENT_ORIGINAL: &str = "user_agent.original";

/// The event of a server span whose request was dropped before its end: by a caller who went away, or by a layer above
/// that had enough of it. Not from the conventions: they have no word for it.
pub(crate) const EVENT_ABANDONED: &str = "shared.request.abandoned";

/// `error.type` of a panic.
pub(crate) const ERROR_PANIC: &str = "panic";
/// `error.type` of a deadline that passed.
pub(crate) const ERROR_TIMEOUT: &str = "timeout";
/// `error.type` of a request that was turned away, because there are too many.
pub(crate) const ERROR_OVERLOADED: &str = "overloaded";
/// `error.type` of a service that failed to answer.
pub(crate) const ERROR_SERVICE: &str = "service";
/// `error.type` of a response body that failed on its way.
pub(crate) const ERROR_BODY: &str = "body";
/// `error.type` of a request that its own service cut off when it stopped.
pub(crate) const ERROR_SHUTDOWN: &str = "shutdown";
/// `error.type` where the conventions ask for a value and nothing better is known.
pub(crate) const ERROR_OTHER: &str = "_OTHER";

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
pub(crate) struct KnownMethods(Arc<[Cow<'static, str>]>);

impl KnownMethods {
    pub(crate) fn new<M: Into<String>>(methods: impl IntoIterator<Item = M>) -> Self {
        let methods = methods.into_iter().map(|method| {
            let method = method.into();
            let known = KNOWN_METHODS.into_iter().find(|known| *known == method);
            known.map_or(Cow::Owned(method), Cow::Borrowed)
        });
        Self(methods.collect())
    }

    /// `http.request.method` of a request.
    pub(crate) fn name(&self, method: &Method) -> Cow<'static, str> {
        let known = self.0.iter().find(|known| *known == method.as_str());
        known.cloned().unwrap_or(OTHER_METHOD.into())
    }

    /// `http.request.method_original` of a request whose method has this name: where it is not known.
    pub(crate) fn original(name: &str, method: &Method) -> Option<String> {
        (name == OTHER_METHOD).then(|| method.as_str().to_owned())
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
    let Some(target) = target else {
        return method.to_owned();
    };
    // `format!` would grow it twice.
    let mut name = String::with_capacity(method.len() + 1 + target.len());
    name.push_str(method);
    name.push(' ');
    name.push_str(target);
    name
}

/// Whether an answer makes the span of its server an error: from 500 on. No description where the code says it.
pub(crate) fn is_server_error(status: StatusCode) -> bool {
    status.is_server_error()
}

/// The span status of a client: an error from 400 on.
pub(crate) fn client_status(status: StatusCode) -> Status {
    if status.is_client_error() || status.is_server_error() {
        Status::error("")
    } else {
        Status::Unset
    }
}

/// `server.address`: an IPv6 address is in brackets in a URL only.
pub(crate) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// `network.peer.address`, shared by those attributes that have it.
pub(crate) fn address(ip: IpAddr) -> StringValue {
    let text: Arc<str> = match ip {
        IpAddr::V4(ip) => dotted(ip, &mut [0; _]).into(),
        IpAddr::V6(ip) => ip.to_string().into(),
    };
    text.into()
}

const LONGEST: usize = "255.255.255.255".len();

/// As `to_string` writes it, which takes three allocations and a fifth of what all attributes of a request take.
fn dotted(ip: Ipv4Addr, text: &mut [u8; LONGEST]) -> &str {
    let mut length = 0;
    let mut push = |byte| {
        text[length] = byte;
        length += 1;
    };
    for (index, octet) in ip.octets().into_iter().enumerate() {
        if index > 0 {
            push(b'.');
        }
        if octet >= 100 {
            push(b'0' + octet / 100);
        }
        if octet >= 10 {
            push(b'0' + octet / 10 % 10);
        }
        push(b'0' + octet % 10);
    }
    str::from_utf8(&text[..length]).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_the_standard_library_writes_it() {
        let octets = [0, 1, 9, 10, 19, 99, 100, 101, 110, 200, 255];
        for (a, b) in octets.iter().flat_map(|a| octets.map(|b| (*a, b))) {
            let ip = Ipv4Addr::new(a, b, 0, a);
            assert_eq!(dotted(ip, &mut [0; _]), ip.to_string());
        }
    }
}
