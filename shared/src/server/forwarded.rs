//! What a proxy says of the request that it forwards, in the headers that it is trusted to overwrite: `Forwarded`
//! ([RFC 7239](https://www.rfc-editor.org/rfc/rfc7239)) or the `X-Forwarded-*` that came before it.

mod element;

use std::{borrow::Cow, net::IpAddr};

use http::{HeaderMap, HeaderName, header::FORWARDED};

pub(super) use self::element::Forwarded;
use crate::headers;

/// A header that your proxy sets itself, whatever the client has sent under that name.
///
/// Name exactly those that it overwrites. Any other is the client's own word: a proxy that sets `X-Forwarded-For` hands a
/// `Forwarded` of the client on as it came, and one that appends to a header leaves what the client wrote in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `Forwarded`: the client's address (`for`), the host and the scheme (`proto`) that it asked for.
    Forwarded,
    /// `X-Forwarded-For`: the client's address.
    XForwardedFor,
    /// `X-Forwarded-Host`: the host that it asked for.
    XForwardedHost,
    /// `X-Forwarded-Proto`: the scheme that it asked for.
    XForwardedProto,
}

/// The headers that are trusted: none, unless the application names some.
#[derive(Debug, Clone, Default)]
pub(super) struct Trusted(Vec<ForwardedHeader>);

impl Trusted {
    /// Trusts these too.
    pub(super) fn add(&mut self, headers: impl IntoIterator<Item = ForwardedHeader>) {
        self.0.extend(headers);
    }

    /// Where `Forwarded` is trusted and does not say, what else is trusted does.
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

/// `192.0.2.60:4711` and `[2001:db8::1]:4711` are nodes with an address and a port.
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

/// The address of a node. `unknown` and obfuscated identifiers, such as `_hidden`, have none
/// ([RFC 7239, section 6](https://www.rfc-editor.org/rfc/rfc7239#section-6)).
fn address(node: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let address = without_port(node);
    address.parse::<IpAddr>().is_ok().then_some(address)
}

#[cfg(test)]
mod tests {
    use ForwardedHeader::{XForwardedFor, XForwardedHost, XForwardedProto};

    use super::*;

    /// What is believed of a request that has all of them.
    fn believed(trusted: &[ForwardedHeader]) -> [Option<String>; 3] {
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
    fn only_what_the_proxy_overwrites_is_believed() {
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
            assert_eq!(believed(trusted), expected, "{trusted:?}");
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
