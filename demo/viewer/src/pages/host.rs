//! Checks the host name in requests to the viewer.
//!
//! The viewer listens only on loopback, but a web page can still reach it by DNS rebinding: if the host name of that
//! page is made to resolve to 127.0.0.1, the browser treats the page and the viewer as one origin. The `Host` header of
//! such a request still contains the foreign name.

use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::Host;

use super::text;

/// Answers 421 unless the `Host` header names this computer: `localhost` or a loopback address, with any port.
pub(super) async fn require_own(request: Request, next: Next) -> Response {
    match named(request.headers(), request.uri()) {
        Some(name) if is_own(name) => next.run(request).await,
        name => {
            let name = name.map_or_else(
                || "no host or several".into(),
                |n| text::shown(n, text::LINE),
            );
            let explanation = format!(
                "The trace viewer answers requests to localhost and loopback addresses only, so that other web pages \
                 cannot read traces. This request names {name}. Open http://localhost with the viewer's port.\n"
            );
            (StatusCode::MISDIRECTED_REQUEST, explanation).into_response()
        }
    }
}

/// Returns the host and port that the request names, or `None` if it does not name exactly one host.
fn named<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return None;
    };
    let host = host.to_str().ok()?;
    // The request line may name a host too, as in `GET http://name/ HTTP/1.1`.
    match uri.authority() {
        Some(authority) if authority.as_str() != host => None,
        _ => Some(host),
    }
}

fn is_own(named: &str) -> bool {
    let host = match named.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => named,
    };
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use crate::pages::{BackLink, router};
    use crate::store::{Limits, Store};
    use crate::testing::serve;

    /// Returns the status line and the body of the response to a request with this target and these header lines.
    async fn answer(target: &str, headers: &str) -> (String, String) {
        let url = serve(router(Store::new(Limits::default()), BackLink::default())).await;
        let mut stream = TcpStream::connect(&url["http://".len()..]).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    #[tokio::test]
    async fn own_names_are_answered() {
        for host in [
            "localhost",
            "localhost:16686",
            "LOCALHOST:1",
            "traces.localhost:16686",
            "127.0.0.1:16686",
            "127.1.2.3",
            "[::1]:16686",
            "[::1]",
        ] {
            let (status, _) = answer("/", &format!("Host: {host}\r\n")).await;
            assert_eq!(status, "HTTP/1.1 200 OK", "{host}");
        }
        let (status, _) = answer("http://localhost:9/", "Host: localhost:9\r\n").await;
        assert_eq!(status, "HTTP/1.1 200 OK");
    }

    #[tokio::test]
    async fn foreign_names_are_refused_on_every_path() {
        for host in [
            "evil.example",
            "evil.example:16686",
            "localhost.evil.example",
            "evil-localhost",
            "192.168.0.1:16686",
            "0.0.0.0",
            "localhost:80@evil.example",
            "[::2]",
            "",
        ] {
            for path in ["/", "/live", "/api/v3/services", "/nothing"] {
                let (status, body) = answer(path, &format!("Host: {host}\r\n")).await;
                assert_eq!(status, "HTTP/1.1 421 Misdirected Request", "{host} {path}");
                assert!(body.contains(host), "{host}: {body}");
                assert!(body.contains("localhost"), "{body}");
            }
        }
    }

    #[tokio::test]
    async fn ambiguous_names_are_refused() {
        for (target, headers) in [
            ("/", ""),
            ("/", "Host: localhost\r\nHost: evil.example\r\n"),
            ("http://evil.example/", "Host: localhost\r\n"),
        ] {
            let (status, _) = answer(target, headers).await;
            assert_eq!(
                status, "HTTP/1.1 421 Misdirected Request",
                "{target} {headers}"
            );
        }
    }
}
