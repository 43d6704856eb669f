//! The headers in which a trusted proxy describes the original request: `Forwarded`
//! ([RFC 7239](https://www.rfc-editor.org/rfc/rfc7239)) or its predecessors `X-Forwarded-*`.

mod element;

use std::{borrow::Cow, net::IpAddr};

use http::{HeaderMap, HeaderName, header::FORWARDED};

pub(super) use self::element::Forwarded;
use crate::internal::headers;

/// A header that a trusted proxy sets, overwriting any value that the client sent.
///
/// List only headers that the proxy overwrites, since the client can send all other headers: a proxy that sets
/// `X-Forwarded-For` passes the client's `Forwarded` on, and a proxy that appends to a header keeps the client's value
/// in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `Forwarded`: the client's address (`for`), and the requested host and scheme (`proto`).
    Forwarded,
    /// `X-Forwarded-For`: the client's address.
    XForwardedFor,
    /// `X-Forwarded-Host`: the requested host.
    XForwardedHost,
    /// `X-Forwarded-Proto`: the requested scheme.
    XForwardedProto,
}

/// The forwarding headers that are trusted. Defaults to none.
#[derive(Debug, Clone, Default)]
pub(super) struct Trusted(Vec<ForwardedHeader>);

impl Trusted {
    /// Adds trusted headers.
    pub(super) fn add(&mut self, headers: impl IntoIterator<Item = ForwardedHeader>) {
        self.0.extend(headers);
    }

    /// Returns the client, host and scheme from the trusted headers. Each value in `Forwarded` takes precedence over
    /// the corresponding `X-Forwarded-*` header.
    pub(super) fn read<'a>(&self, headers: &'a HeaderMap) -> Forwarded<'a> {
        use ForwardedHeader::{XForwardedFor, XForwardedHost, XForwardedProto};
        let standard = if self.0.contains(&ForwardedHeader::Forwarded) {
            headers::first(headers, FORWARDED).and_then(element::first)
        } else {
            None
        };
        let standard = standard.unwrap_or_default();
        let other = |header| {
            let trusted = self.0.contains(&header);
            trusted.then(|| first(headers, header)).flatten()
        };
        Forwarded {
            client: standard
                .client
                .and_then(address)
                .or_else(|| other(XForwardedFor).and_then(address)),
            host: standard.host.or_else(|| other(XForwardedHost)),
            proto: standard.proto.or_else(|| other(XForwardedProto)),
        }
    }
}

fn first(headers: &HeaderMap, header: ForwardedHeader) -> Option<Cow<'_, str>> {
    let name = HeaderName::from_static(match header {
        ForwardedHeader::Forwarded => "forwarded",
        ForwardedHeader::XForwardedFor => "x-forwarded-for",
        ForwardedHeader::XForwardedHost => "x-forwarded-host",
        ForwardedHeader::XForwardedProto => "x-forwarded-proto",
    });
    let first = headers::first(headers, name)?.split(',').next()?.trim();
    (!first.is_empty()).then_some(first.into())
}

/// Removes the port of a node such as `192.0.2.60:4711` or `[2001:db8::1]:4711`.
fn without_port(node: Cow<'_, str>) -> Cow<'_, str> {
    let address =
        if let Some((address, _)) = node.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            address
        } else {
            match node.split_once(':') {
                Some((address, port)) if !port.contains(':') => address,
                _ => return node,
            }
        };
    address.to_owned().into()
}

/// Returns the IP address of a node. The node `unknown` and obfuscated identifiers, such as `_hidden`, have no address
/// ([RFC 7239, section 6](https://www.rfc-editor.org/rfc/rfc7239#section-6)).
fn address(node: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let address = without_port(node);
    address.parse::<IpAddr>().is_ok().then_some(address)
}

#[cfg(test)]
mod tests {
    use ForwardedHeader::{XForwardedFor, XForwardedHost, XForwardedProto};

    use super::*;

    /// Returns the values read from a request that has all forwarding headers.
    fn values(trusted: &[ForwardedHeader]) -> [Option<String>; 3] {
        let headers = [
            (
                "forwarded",
                "For=\"[2001:db8::1]:4711\";Host=shop.example:8443;proto=https, for=10.0.0.1",
            ),
            ("x-forwarded-for", "192.0.2.1:80, 10.0.0.1"),
            ("x-forwarded-host", "other.example, proxy"),
            ("x-forwarded-proto", "http"),
        ];
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let Forwarded {
            client,
            host,
            proto,
        } = Trusted(trusted.to_vec()).read(&headers);
        [client, host, proto].map(|value| value.map(Cow::into_owned))
    }

    #[test]
    fn only_trusted_forwarded_headers_are_read() {
        let says = |client: &str, host: &str, proto: &str| {
            [client, host, proto].map(|value| (!value.is_empty()).then(|| value.to_owned()))
        };
        for (trusted, expected) in [
            (&[][..], says("", "", "")),
            (
                &[ForwardedHeader::Forwarded],
                says("2001:db8::1", "shop.example:8443", "https"),
            ),
            (&[XForwardedFor], says("192.0.2.1", "", "")),
            (
                &[XForwardedProto, XForwardedHost],
                says("", "other.example", "http"),
            ),
            (
                &[XForwardedFor, ForwardedHeader::Forwarded],
                says("2001:db8::1", "shop.example:8443", "https"),
            ),
        ] {
            assert_eq!(values(trusted), expected, "{trusted:?}");
        }
    }

    #[test]
    fn node_without_address_is_no_client() {
        for node in [
            "unknown",
            "Unknown",
            "_hidden",
            "_SEVKISEK",
            "\"_hidden:80\"",
            "\"unknown:80\"",
        ] {
            let headers = [(
                http::header::FORWARDED,
                format!("for={node}").parse().unwrap(),
            )];
            let headers = HeaderMap::from_iter(headers);
            let forwarded = Trusted(vec![ForwardedHeader::Forwarded]).read(&headers);
            assert_eq!(forwarded.client, None, "{node}");
            let mut headers = headers.clone();
            headers.insert("x-forwarded-for", "192.0.2.1".parse().unwrap());
            let forwarded = Trusted(vec![ForwardedHeader::Forwarded, XForwardedFor]).read(&headers);
            assert_eq!(forwarded.client.as_deref(), Some("192.0.2.1"), "{node}");
        }
    }

    #[test]
    fn forwarded_node_loses_port_only() {
        for (node, address) in [
            ("192.0.2.60:4711", "192.0.2.60"),
            ("192.0.2.60", "192.0.2.60"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("unknown", "unknown"),
        ] {
            assert_eq!(without_port(node.into()), address);
        }
    }
}
