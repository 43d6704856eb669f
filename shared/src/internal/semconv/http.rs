//! Semantic conventions shared by HTTP SERVER and CLIENT spans.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, LazyLock},
};

use http::{Method, Version};
use opentelemetry::StringValue;

use crate::config;

/// Prefix of an attribute key; the name of a request header in lower case follows.
pub(crate) const HTTP_REQUEST_HEADER: &str = "http.request.header.";
pub(crate) const HTTP_REQUEST_METHOD: &str = "http.request.method";
pub(crate) const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
/// Prefix of an attribute key; the name of a response header in lower case follows.
pub(crate) const HTTP_RESPONSE_HEADER: &str = "http.response.header.";
pub(crate) const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
pub(crate) const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
pub(crate) const NETWORK_PEER_PORT: &str = "network.peer.port";
pub(crate) const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";

/// `error.type` if the response body failed during transfer.
pub(crate) const ERROR_BODY: &str = "body";

/// HTTP methods that are recorded by name, as listed by the semantic conventions.
const KNOWN_METHODS: [&str; 10] = [
    "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "QUERY",
];

/// Value of `http.request.method` for an unknown method.
const OTHER_METHOD: &str = "_OTHER";

/// The set of HTTP methods that are recorded by name. Other methods are not, since clients can send any word as a
/// method, and each would create another span name.
///
/// Defaults to the comma-separated list in `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, or to the methods of the
/// conventions if that variable is unset.
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

    /// Returns the value of `http.request.method`.
    pub(crate) fn name(&self, method: &Method) -> Cow<'static, str> {
        let known = self.0.iter().find(|known| *known == method.as_str());
        known.cloned().unwrap_or(OTHER_METHOD.into())
    }

    /// Returns the value of `http.request.method_original`, or `None` if the method is recorded by name.
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

/// Returns the span name `{method} {target}`, where the target is a route or URL template, never a path. Without a
/// target, the name is the method.
pub(crate) fn http_span_name(method: &str, target: Option<&str>) -> String {
    let method = if method == OTHER_METHOD {
        "HTTP"
    } else {
        method
    };
    let Some(target) = target else {
        return method.to_owned();
    };
    // Concatenates by hand, since `format!` would reallocate twice.
    let mut name = String::with_capacity(method.len() + 1 + target.len());
    name.push_str(method);
    name.push(' ');
    name.push_str(target);
    name
}

/// Returns the value of `server.address`: the host without the brackets that IPv6 addresses have in URLs.
pub(crate) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// Returns the value of `network.peer.address`. Several attributes can share it without copying.
pub(crate) fn address(ip: IpAddr) -> StringValue {
    let text: Arc<str> = match ip {
        IpAddr::V4(ip) => dotted(ip, &mut [0; _]).into(),
        IpAddr::V6(ip) => ip.to_string().into(),
    };
    text.into()
}

const LONGEST: usize = "255.255.255.255".len();

/// Formats an IPv4 address like `to_string`, which needs three allocations and a quarter of the time of all attributes
/// of a request.
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

/// Returns the value of `network.protocol.version`, such as `1.1`, without the name of the protocol.
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
    fn address_matches_standard_library_format() {
        let octets = [0, 1, 9, 10, 19, 99, 100, 101, 110, 200, 255];
        for (a, b) in octets.iter().flat_map(|a| octets.map(|b| (*a, b))) {
            let ip = Ipv4Addr::new(a, b, 0, a);
            assert_eq!(dotted(ip, &mut [0; _]), ip.to_string());
        }
    }
}
