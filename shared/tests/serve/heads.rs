//! The head of a request as RFC 9110 and 9112 define it.

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Uri},
    routing::{get, post},
};
use serde_json::Value;
use shared::{
    problem,
    serve::{Limits, health},
    server::TraceLayer,
};

use crate::support::{Answer, Connection, Service, start};

pub(crate) async fn service() -> Service {
    let routes = Router::new()
        .route("/quick", get("hello"))
        .route("/echo", post(async |body: Bytes| body))
        .route(
            "/host",
            get(async |uri: Uri, headers: HeaderMap| {
                let host = headers
                    .get("host")
                    .map(|host| host.to_str().unwrap().to_owned());
                format!("{} {}", host.unwrap_or_default(), uri.path())
            }),
        )
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed);
    let app = Limits::default()
        .apply(routes)
        .layer(TraceLayer::new())
        .merge(health(async || Ok(())));
    start(app).await
}

pub(crate) async fn answer(service: &Service, request: &str) -> Answer {
    let mut connection = Connection::open(service).await;
    connection.send(request.as_bytes()).await;
    connection.answer().await
}

#[track_caller]
pub(crate) fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["code"], code);
}

#[tokio::test]
async fn missing_doubled_or_invalid_host_is_bad_request() {
    let service = service().await;
    for host in [
        "",
        "Host: shop\r\nHost: shop\r\n",
        "Host: shop\r\nhost: other\r\n",
        "Host: a b\r\n",
        "Host: shop/path\r\n",
        "Host: ann@shop\r\n",
        "Host: shop:http\r\n",
        "Host: [::1\r\n",
    ] {
        for target in ["/quick", "/readyz", "http://shop.example/quick", "/none"] {
            let answer = answer(&service, &format!("GET {target} HTTP/1.1\r\n{host}\r\n")).await;
            assert_problem(&answer, 400, "bad_request");
            assert_eq!(answer.headers["connection"], "close");
        }
    }
}

#[tokio::test]
async fn valid_host_is_served() {
    let service = service().await;
    for host in ["shop", "shop.example:8080", "[::1]:80", "127.0.0.1", ""] {
        let answer = answer(
            &service,
            &format!("GET /quick HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        )
        .await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, "hello"),
            "{host}"
        );
    }
}

#[tokio::test]
async fn http_1_0_without_host_is_served_and_closed() {
    let service = service().await;
    for more in ["", "Host: shop\r\n"] {
        let mut connection = Connection::open(&service).await;
        let request = format!("GET /quick HTTP/1.0\r\n{more}\r\n");
        connection.send(request.as_bytes()).await;
        let answer = connection.answer().await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
        assert_eq!(connection.until_closed().await, b"");
    }
    let doubled = "GET /quick HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n";
    assert_problem(&answer(&service, doubled).await, 400, "bad_request");

    let mut kept = Connection::open(&service).await;
    for _ in 0..2 {
        kept.send(b"GET /quick HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            .await;
        assert_eq!(kept.answer().await.status, 200);
    }
}

#[tokio::test]
async fn absolute_target_overrides_host() {
    let service = service().await;
    for (target, host, expected) in [
        (
            "http://other.example:81/host?a=b",
            "shop",
            "other.example:81 /host",
        ),
        ("http://[::1]/host", "shop", "[::1] /host"),
        ("/host", "shop", "shop /host"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = answer(&service, &request).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, expected));
    }
    let with_user = "GET http://ann:pw@shop/host HTTP/1.1\r\nHost: shop\r\n\r\n";
    assert_problem(&answer(&service, with_user).await, 400, "bad_request");
}

#[tokio::test]
async fn head_request_has_the_headers_and_no_body() {
    let service = service().await;
    let mut connection = Connection::open(&service).await;
    for (path, status) in [
        ("/quick", 200),
        ("/readyz", 200),
        ("/none", 404),
        ("/echo", 405),
    ] {
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: shop\r\n\r\n");
        connection.send(request.as_bytes()).await;
        let head = connection.head().await;
        assert_eq!(head.status, status, "{path}");
        assert_ne!(head.headers["content-length"], "0", "{path}");
    }
    connection
        .send(b"GET /quick HTTP/1.1\r\nHost: shop\r\n\r\n")
        .await;
    assert_eq!(connection.answer().await.body, "hello");
}

#[tokio::test]
async fn health_bodies_end_with_newline() {
    for (ready, status, beginning) in [
        (Ok(()), 200, r#"{"ready":true,"#),
        (
            Err("no database"),
            503,
            r#"{"ready":false,"reason":"no database","#,
        ),
    ] {
        let service = crate::support::start(health(move || async move { ready })).await;
        let alive = answer(&service, "GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n").await;
        assert_eq!((alive.status, &*alive.body), (200, "ok\n"));

        let readiness = answer(&service, "GET /readyz HTTP/1.1\r\nHost: shop\r\n\r\n").await;
        assert_eq!(readiness.status, status);
        assert_eq!(readiness.headers["content-type"], "application/json");
        assert!(readiness.body.starts_with(beginning), "{readiness:?}");
        assert!(readiness.body.ends_with("}\n"), "{readiness:?}");
    }
}

#[tokio::test]
async fn wrong_method_for_health_is_a_problem() {
    let service = service().await;
    for path in ["/healthz", "/readyz"] {
        let answer = answer(
            &service,
            &format!("DELETE {path} HTTP/1.1\r\nHost: shop\r\n\r\n"),
        )
        .await;
        assert_problem(&answer, 405, "method_not_allowed");
        assert_eq!(answer.headers["allow"], "GET,HEAD");
    }
}

#[tokio::test]
async fn head_over_64_kib_is_refused() {
    let service = service().await;
    let head = |length: usize| {
        let start = "GET /quick HTTP/1.1\r\nHost: shop\r\nX-Large: ";
        let end = "\r\n\r\n";
        format!(
            "{start}{}{end}",
            "x".repeat(length - start.len() - end.len())
        )
    };
    assert_eq!(answer(&service, &head(64 * 1024)).await.status, 200);
    let uri = format!(
        "GET /quick?{} HTTP/1.1\r\nHost: shop\r\n\r\n",
        "x".repeat(64 * 1024)
    );
    for large in [head(64 * 1024 + 1), head(119_000), uri] {
        let mut connection = Connection::open(&service).await;
        // The service does not read the whole head, so the connection is reset. The reset may discard the response.
        let _ = connection.try_send(large.as_bytes()).await;
        let answer = String::from_utf8(connection.until_closed().await).unwrap();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn more_than_100_header_lines_are_refused() {
    let service = service().await;
    let request = |lines: usize| {
        let more = "X-Many: a\r\n".repeat(lines - 1);
        format!("GET /quick HTTP/1.1\r\nHost: shop\r\n{more}\r\n")
    };
    assert_eq!(answer(&service, &request(100)).await.status, 200);
    assert_eq!(answer(&service, &request(101)).await.status, 431);
}
