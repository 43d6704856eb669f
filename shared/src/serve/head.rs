//! [`check`]: rejects request heads that can be parsed but are forbidden by HTTP or not supported by this server.

use http::{
    HeaderValue, Method, Request, StatusCode, Version,
    header::{CONNECTION, HOST, TRANSFER_ENCODING},
    uri::Authority,
};

use crate::problem::Problem;

/// Rejects a request without a valid `Host` header (RFC 9112, section 3.2), or with a transfer coding other than
/// `chunked`.
///
/// If the request target is an absolute URI, its host replaces the `Host` header.
pub(super) fn check<B>(request: &mut Request<B>) -> Result<(), Problem> {
    check_transfer_coding(request)?;
    check_host(request)?;
    if request.method() != Method::CONNECT
        && let Some(authority) = request.uri().authority()
    {
        let host = host_of(authority)?;
        request.headers_mut().insert(HOST, host);
    }
    Ok(())
}

/// Rejects other transfer codings. The HTTP parser accepts every list of codings that ends with `chunked`, but only
/// decodes `chunked`.
fn check_transfer_coding<B>(request: &Request<B>) -> Result<(), Problem> {
    let mut values = request.headers().get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    match (values.next(), values.next()) {
        (None, _) => Ok(()),
        (Some(value), None) if is_chunked(value) => Ok(()),
        // The connection is closed, since client and server may disagree about where the body ends.
        _ => Err(Problem::new(
            StatusCode::NOT_IMPLEMENTED,
            "not_implemented",
            "Not implemented",
            "The only transfer coding that this server decodes is `chunked`.",
        )
        .with_header(CONNECTION, HeaderValue::from_static("close"))),
    }
}

fn check_host<B>(request: &Request<B>) -> Result<(), Problem> {
    let mut values = request.headers().get_all(HOST).iter();
    match (values.next(), values.next()) {
        (None, _) if request.version() < Version::HTTP_11 => Ok(()),
        (None, _) => Err(bad_request("The header `Host` is missing.")),
        (Some(_), Some(_)) => Err(bad_request("There is more than one header `Host`.")),
        (Some(value), None) if is_host(value.as_bytes()) => Ok(()),
        (Some(_), None) => Err(bad_request(
            "The header `Host` is invalid: it takes a name or an address and an optional port.",
        )),
    }
}

fn host_of(authority: &Authority) -> Result<HeaderValue, Problem> {
    let host = authority.as_str();
    let invalid = || bad_request("The host of the request's target is invalid.");
    if host.is_empty() || !is_host(host.as_bytes()) {
        return Err(invalid());
    }
    HeaderValue::from_str(host).map_err(|_| invalid())
}

fn bad_request(detail: &'static str) -> Problem {
    let status = StatusCode::BAD_REQUEST;
    Problem::new(status, "bad_request", "Bad request", detail)
        .with_header(CONNECTION, HeaderValue::from_static("close"))
}

/// Returns whether a value matches `uri-host [ ":" port ]` (RFC 9110, section 7.2). The host may be empty.
fn is_host(value: &[u8]) -> bool {
    let (host_is_valid, rest) = if let Some(literal) = value.strip_prefix(b"[") {
        let Some(end) = literal.iter().position(|byte| *byte == b']') else {
            return false;
        };
        (is_address(&literal[..end]), &literal[end + 1..])
    } else {
        let end = value.iter().position(|byte| *byte == b':');
        let (name, rest) = value.split_at(end.unwrap_or(value.len()));
        (is_name(name), rest)
    };
    let port_is_valid = match rest.strip_prefix(b":") {
        Some(port) => is_port(port),
        None => rest.is_empty(),
    };
    host_is_valid && port_is_valid
}

fn is_port(port: &[u8]) -> bool {
    let port = str::from_utf8(port).unwrap_or("-");
    port.is_empty()
        || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

/// Returns whether the text between brackets is an IPv6 address; other literals in brackets are not supported.
fn is_address(literal: &[u8]) -> bool {
    str::from_utf8(literal).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

/// Returns whether a value matches `reg-name` (RFC 3986, section 3.2.2). IPv4 addresses match, too.
fn is_name(mut name: &[u8]) -> bool {
    loop {
        name = match name {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            [byte, rest @ ..]
                if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte) =>
            {
                rest
            }
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::is_host;

    #[test]
    fn host_with_optional_port_is_valid() {
        for host in [
            "",
            "a",
            "shop.example",
            "shop.example:8080",
            "shop.example:",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:8080",
            "a_b",
            "caf%C3%A9",
            "xn--caf-dma.example.",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn anything_else_in_host_is_invalid() {
        for host in [
            "a b",
            "ann@shop",
            "shop/path",
            "http://shop",
            "a:b",
            "a:1:2",
            "a:65536",
            "::1",
            "[::1",
            "[shop]",
            "[::1]a",
            "a?b",
            "a#b",
            "a\\b",
            "<a>",
            "\"a\"",
            "a%2",
            "a%zz",
            "caf\u{e9}",
            "a\tb",
            "a:-1",
            "a:+1",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }
}
