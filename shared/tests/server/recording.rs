//! Options that change what a span records: its name, attributes, headers, query and body sizes.

use axum::response::IntoResponse as _;
use http::{HeaderName, Version, header};
use opentelemetry::{Array, KeyValue, Value};
use shared::server::{
    ForwardedHeader::{XForwardedFor, XForwardedProto},
    TraceLayer,
};

use crate::{
    options::{ITEM, assert_adds, ok, trace},
    support::{Shape, attributes, server, shape},
};

fn strings<const N: usize>(values: [&'static str; N]) -> Value {
    Value::Array(Array::String(values.map(Into::into).into()))
}

#[tokio::test]
async fn custom_span_name_is_used() {
    let layer = TraceLayer::new().span_name(|request| {
        let version = if request.version == Version::HTTP_11 {
            "1.1"
        } else {
            "1.0"
        };
        format!("{} over {version}", request.method).into()
    });
    let (_, caller, span, port) = trace(layer, "GET /items/1", "", ok).await;
    let expected = Shape {
        name: "GET over 1.1".into(),
        ..server(&caller, ITEM, port, Some(200), None)
    };
    assert_eq!(shape(&span), expected);
}

#[derive(Clone)]
struct Tenant(&'static str);

#[tokio::test]
async fn custom_attributes_are_added() {
    let layer = TraceLayer::new()
        .attributes_at_start(|request| {
            vec![KeyValue::new(
                "app.headers",
                i64::try_from(request.headers.len()).unwrap(),
            )]
        })
        .attributes_at_end(|response| {
            let tenant = response.extensions.get::<Tenant>().unwrap();
            vec![KeyValue::new("app.tenant", tenant.0)]
        });
    let (_, caller, span, port) = trace(layer, "GET /items/1", "", || {
        (axum::Extension(Tenant("acme")), ()).into_response()
    })
    .await;
    let mut expected = server(&caller, ITEM, port, Some(200), None);
    let added = [("app.headers", 2.into()), ("app.tenant", "acme".into())];
    expected.attributes.extend(attributes(added));
    assert_eq!(shape(&span), expected);
}

#[tokio::test]
async fn listed_headers_are_recorded_and_secret_ones_never() {
    let more = "X-Tag: a\r\nX-Tag: b\r\nAuthorization: Bearer secret\r\nCookie: id=secret\r\n\
                Proxy-Authorization: Basic secret\r\nSet-Cookie: id=secret\r\n";
    assert_adds(TraceLayer::new(), "GET /items/1", more, attributes([])).await;

    let secret = [
        header::AUTHORIZATION,
        header::COOKIE,
        header::SET_COOKIE,
        header::PROXY_AUTHORIZATION,
    ];
    let listed = ["x-tag", "x-cache", "x-missing"].map(HeaderName::from_static);
    let listed = || secret.iter().chain(&listed).cloned();
    let layer = TraceLayer::new()
        .request_headers(listed())
        .response_headers(listed());
    let added = attributes([
        ("http.request.header.x-tag", strings(["a", "b"])),
        ("http.response.header.x-cache", strings(["hit"])),
    ]);
    assert_adds(layer, "GET /items/1", more, added).await;
}

#[tokio::test]
async fn lists_that_are_given_in_turn_add_up() {
    let [tag, cache, kind] = ["x-tag", "x-cache", "content-type"].map(HeaderName::from_static);
    let layer = TraceLayer::new()
        .request_headers([tag.clone()])
        .request_headers([header::HOST, tag])
        .response_headers([cache])
        .response_headers([kind])
        .redact_query_keys(["token"])
        .redact_query_keys(["page"])
        .trust_forwarded([XForwardedFor])
        .trust_forwarded([XForwardedProto]);
    let more = "X-Tag: a\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n";
    let added = attributes([
        ("http.request.header.x-tag", strings(["a"])),
        ("http.request.header.host", strings(["shop.example:8080"])),
        ("http.response.header.x-cache", strings(["hit"])),
        (
            "http.response.header.content-type",
            strings(["text/plain; charset=utf-8"]),
        ),
        ("url.query", "page=REDACTED&token=REDACTED".into()),
        ("client.address", "192.0.2.1".into()),
        ("url.scheme", "https".into()),
    ]);
    assert_adds(layer, "GET /items/1?page=2&token=mine", more, added).await;
}

#[tokio::test]
async fn query_secrets_are_redacted() {
    let query = |query: &'static str| attributes([("url.query", query.into())]);
    let line = "GET /items/1?page=2&sig=secret&token=mine";
    let redacted = query("page=2&sig=REDACTED&token=mine");
    assert_adds(TraceLayer::new(), line, "", redacted).await;
    let layer = TraceLayer::new().redact_query_keys(["token"]);
    assert_adds(layer, line, "", query("page=2&sig=REDACTED&token=REDACTED")).await;
    assert_adds(TraceLayer::new(), "GET /items/1?", "", attributes([])).await;
}

#[tokio::test]
async fn body_sizes_are_recorded_where_they_are_wanted() {
    let more = "User-Agent: a browser\r\nContent-Length: 5\r\n\r\nhello";
    let agent = ("user_agent.original", "a browser".into());
    assert_adds(
        TraceLayer::new(),
        "GET /items/1",
        more,
        attributes([agent.clone()]),
    )
    .await;
    let sizes = attributes([
        agent,
        ("http.request.body.size", 5.into()),
        ("http.response.body.size", 6.into()),
    ]);
    assert_adds(
        TraceLayer::new().body_sizes(true),
        "GET /items/1",
        more,
        sizes,
    )
    .await;
}
