//! Selects the proxy by the environment variables `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, like reqwest
//! and curl.

use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

use super::settings::Protocol;

/// Returns the proxy that the environment variables `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` select for
/// an endpoint, without the proxy's credentials. Returns `None` for a collector on the loopback interface, and for any
/// collector over gRPC, since tonic does not support proxies.
pub fn environment_proxy(protocol: Protocol, endpoint: &str) -> Option<String> {
    of(protocol, &Url::parse(endpoint).ok()?)
}

pub(super) fn of(protocol: Protocol, endpoint: &Url) -> Option<String> {
    if !protocol.is_http() || is_loopback(endpoint) {
        return None;
    }
    let proxy = Matcher::from_system().intercept(&endpoint.as_str().parse().ok()?)?;
    let uri = proxy.uri();
    let (scheme, host) = (uri.scheme_str()?, uri.host()?);
    Some(match uri.port() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            let address = address.to_canonical();
            address.is_loopback() || address.is_unspecified()
        }
        None => false,
    }
}
