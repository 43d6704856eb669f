//! What a trusted proxy says of the request that it forwards: `Forwarded`
//! ([RFC 7239](https://www.rfc-editor.org/rfc/rfc7239)), else the `X-Forwarded-*` that came before it.

use http::{HeaderMap, header::FORWARDED};

use super::request::text;

const X_FORWARDED_FOR: &str = "x-forwarded-for";
const X_FORWARDED_HOST: &str = "x-forwarded-host";
const X_FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The first element of each list: the one nearest to the client.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Forwarded<'a> {
    pub(super) client: Option<&'a str>,
    pub(super) host: Option<&'a str>,
    pub(super) proto: Option<&'a str>,
}

impl<'a> Forwarded<'a> {
    pub(super) fn trusted(headers: &'a HeaderMap, trust: bool) -> Self {
        if !trust {
            return Self::default();
        }
        let standard = Self::standard(headers);
        let legacy = |name: &'static str| first(text(headers, name)?, ',');
        Self {
            client: standard
                .client
                .or_else(|| legacy(X_FORWARDED_FOR).map(without_port)),
            host: standard.host.or_else(|| legacy(X_FORWARDED_HOST)),
            proto: standard.proto.or_else(|| legacy(X_FORWARDED_PROTO)),
        }
    }

    fn standard(headers: &'a HeaderMap) -> Self {
        let mut forwarded = Self::default();
        let element = text(headers, FORWARDED).and_then(|list| first(list, ','));
        for (name, value) in element
            .into_iter()
            .flat_map(|element| element.split(';'))
            .filter_map(|pair| pair.split_once('='))
        {
            let value = Some(value.trim().trim_matches('"')).filter(|value| !value.is_empty());
            match name.trim() {
                name if name.eq_ignore_ascii_case("for") => {
                    forwarded.client = value.map(without_port);
                }
                name if name.eq_ignore_ascii_case("host") => forwarded.host = value,
                name if name.eq_ignore_ascii_case("proto") => forwarded.proto = value,
                _ => {}
            }
        }
        forwarded
    }
}

fn first(list: &str, separator: char) -> Option<&str> {
    list.split(separator)
        .next()
        .map(str::trim)
        .filter(|value| !value.is_empty())
}

/// `192.0.2.60:4711` and `[2001:db8::1]:4711` are nodes with an address and a port.
fn without_port(node: &str) -> &str {
    if let Some((address, _)) = node.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    match node.split_once(':') {
        Some((address, port)) if !port.contains(':') => address,
        _ => node,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn nearest_to_the_client_wins_and_the_standard_wins_over_the_rest() {
        let both = headers(&[
            (
                "forwarded",
                "For=\"[2001:db8::1]:4711\";Host=shop.example:8443;proto=https, for=10.0.0.1",
            ),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-host", "other.example"),
            ("x-forwarded-proto", "http"),
        ]);
        let expected = Forwarded {
            client: Some("2001:db8::1"),
            host: Some("shop.example:8443"),
            proto: Some("https"),
        };
        assert_eq!(Forwarded::trusted(&both, true), expected);

        let legacy = headers(&[
            ("x-forwarded-for", "192.0.2.1, 10.0.0.1"),
            ("x-forwarded-proto", "https"),
        ]);
        let expected = Forwarded {
            client: Some("192.0.2.1"),
            host: None,
            proto: Some("https"),
        };
        assert_eq!(Forwarded::trusted(&legacy, true), expected);
        assert_eq!(Forwarded::trusted(&legacy, false), Forwarded::default());
    }

    #[test]
    fn a_node_loses_its_port_only() {
        for (node, address) in [
            ("192.0.2.60:4711", "192.0.2.60"),
            ("192.0.2.60", "192.0.2.60"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("unknown", "unknown"),
        ] {
            assert_eq!(without_port(node), address);
        }
    }
}
