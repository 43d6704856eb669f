//! Unusual but valid requests: what their spans record, and which secrets the spans leave out.

use axum::{Router, routing::any};
use opentelemetry::Value;
use shared::{server::TraceLayer, testing::recorder};

use crate::support::{Attributes, Caller, Connection, start_lenient};

/// Sends a request with exactly this target and these headers. Returns the attributes `url.*`, `server.*` and
/// `user_agent.*` of its span.
async fn asked(target: &str, headers: &[u8]) -> Attributes {
    let recorder = recorder();
    let router = Router::new().route("/items/{id}", any(()));
    let service = start_lenient(router.layer(TraceLayer::new())).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    let traceparent = caller.traceparent();
    let mut request =
        format!("GET {target} HTTP/1.1\r\ntraceparent: {traceparent}\r\n").into_bytes();
    request.extend(headers);
    request.extend(b"\r\n");
    connection.send(&request).await;
    assert_eq!(connection.answer().await.status, 200, "{target}");
    let mut trace = recorder.trace(&caller.trace_id, 1).await;
    let mut attributes = trace.spans.remove(0).attributes;
    attributes.retain(|key, _| {
        ["url.", "server.", "user_agent."]
            .iter()
            .any(|of| key.starts_with(of))
    });
    attributes
}

fn attributes<const N: usize>(more: [(&str, Value); N]) -> Attributes {
    let mut attributes = crate::support::attributes([
        ("url.path", "/items/1".into()),
        ("url.scheme", "http".into()),
    ]);
    attributes.extend(crate::support::attributes(more));
    attributes
}

#[tokio::test]
async fn absolute_form_target_is_redacted() {
    let asked = asked(
        "http://ann:hunter2@shop.example:81/items/1?sig=hunter2&page=2",
        b"Host: other.example\r\n",
    )
    .await;
    let expected = attributes([
        ("server.address", "shop.example".into()),
        ("server.port", 81.into()),
        ("url.query", "sig=REDACTED&page=2".into()),
    ]);
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn invalid_host_header_is_ignored() {
    for (headers, expected) in [
        (
            &b"Host: ann:hunter2@shop.example\r\n"[..],
            Some("shop.example"),
        ),
        (b"Host: [2001:db8::1]\r\n", Some("2001:db8::1")),
        (b"Host: shop.example:99999\r\n", Some("shop.example")),
        (b"Host: a b\r\n", None),
        (b"Host: <script>\r\n", None),
        (b"Host: a/b?c\r\n", None),
        (b"Host: :80\r\n", None),
        (b"Host:\r\n", None),
        (b"Host: \xff\xfe\r\n", None),
        (b"", None),
    ] {
        let asked = asked("/items/1", headers).await;
        let mut plain = attributes([]);
        plain.extend(expected.map(|host| ("server.address".to_owned(), host.into())));
        assert_eq!(asked, plain, "{}", headers.escape_ascii());
    }
}

#[tokio::test]
async fn arbitrary_user_agent_bytes_are_recorded() {
    for (bytes, recorded) in [
        (&b"curl/8.5"[..], "curl/8.5"),
        ("größe/1 \u{202e}".as_bytes(), "größe/1 \u{202e}"),
        (b"a\xff\xfeb\tc", "a\u{fffd}\u{fffd}b\tc"),
    ] {
        let headers = [b"User-Agent: ", bytes, b"\r\n"].concat();
        let expected = attributes([("user_agent.original", recorded.into())]);
        assert_eq!(asked("/items/1", &headers).await, expected);
    }
}
