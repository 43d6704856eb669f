//! Rejects requests to the demo routes (the page and the pitfalls) that the user's browser sends for a page of another
//! site. Requests of other programs, such as curl, are accepted.
//!
//! The user's browser can reach this computer, so a page of another site can send requests here. Browsers post forms
//! across sites without a preflight; the headers `Sec-Fetch-Site` and `Origin` name the sender. If the other site's
//! name resolves to 127.0.0.1 (DNS rebinding), the browser treats the request as same-origin, but `Host` still has the
//! other site's name.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use shared::problem::Problem;

/// Answers 421 to a request whose `Host` is not a name of this service, and 403 to a state-changing request from
/// another site.
///
/// `listens_at` is the IP address of `LISTEN_ADDR`. Like localhost and the loopback addresses, it is a name of this
/// service.
pub(crate) async fn require_own(
    State(listens_at): State<IpAddr>,
    request: Request,
    next: Next,
) -> Response {
    let Some(host) = host(request.headers()).filter(|host| is_own(host, listens_at)) else {
        return misdirected().into_response();
    };
    if !request.method().is_safe() && is_cross_origin(request.headers(), &host) {
        return cross_origin().into_response();
    }
    next.run(request).await
}

/// Returns the host in the `Host` header, if the request has exactly one such header.
fn host(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return None;
    };
    let host = host.to_str().ok()?;
    // A `Host` with user info (`user@host`) is invalid.
    host.parse().ok().filter(|_| !host.contains('@'))
}

fn is_own(host: &Authority, listens_at: IpAddr) -> bool {
    let name = host.host().to_ascii_lowercase();
    let literal = name.trim_start_matches('[').trim_end_matches(']');
    match literal.parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || address == listens_at,
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}

/// Returns whether a page of another origin sent the request, according to the browser.
fn is_cross_origin(headers: &HeaderMap, host: &Authority) -> bool {
    let is_foreign_site = |site: &[u8]| !matches!(site, b"same-origin" | b"none");
    let is_foreign_origin = |origin: &[u8]| {
        let own = |scheme: &str| {
            let authority = origin.strip_prefix(scheme.as_bytes());
            authority.is_some_and(|name| name.eq_ignore_ascii_case(host.as_str().as_bytes()))
        };
        !own("http://") && !own("https://")
    };
    let mut sites = headers.get_all("sec-fetch-site").iter();
    let mut origins = headers.get_all(ORIGIN).iter();
    // Web pages cannot set `Sec-Fetch-Site` or `Origin`. `Origin` is the fallback for browsers without
    // `Sec-Fetch-Site`, since a referrer policy can hide the origin of a page's own form (`Origin: null`).
    if headers.contains_key("sec-fetch-site") {
        return sites.any(|site| is_foreign_site(site.as_bytes()));
    }
    origins.any(|origin| is_foreign_origin(origin.as_bytes()))
}

fn misdirected() -> Problem {
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "misdirected_request",
        "Misdirected request",
        "The page and the pitfalls are served under localhost, loopback addresses and the address of LISTEN_ADDR only. \
         Use one of these in the URL.",
    )
}

fn cross_origin() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "cross_origin",
        "Cross-origin request",
        "A pitfall runs for checkout's own page and for programs such as curl, not for web pages of another origin.",
    )
}
