//! Client spans of requests that received a response, or that the caller dropped.

use std::{
    sync::{Arc, Mutex},
    time::SystemTime,
};

use axum::{
    Router,
    extract::Path,
    response::IntoResponse as _,
    routing::{any, get},
};
use http::{Extensions, HeaderName, Method, StatusCode, header};
use opentelemetry::{Array, Context, Value};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use shared::{
    client::{TraceMiddleware, UrlTemplate},
    server::TraceLayer,
    testing::recorder,
};

use crate::support::{
    Gate, Service, answered, asked, attributes, bare_client, call, client, clients, get_span,
    shape, start,
};

pub(crate) async fn statuses() -> Service {
    let status = async |Path(code): Path<u16>| StatusCode::from_u16(code).unwrap();
    start(Router::new().route("/status/{code}", any(status))).await
}

#[tokio::test]
async fn client_status_is_error_from_400() {
    let service = statuses().await;
    let client = client(TraceMiddleware::new());
    for code in [200, 204, 304, 399, 400, 404, 499, 500, 503] {
        let url = service.url(&format!("/status/{code}"));
        let before = SystemTime::now();
        let (result, trace) = call(client.get(&url)).await;
        assert_eq!(i64::from(result.unwrap().status().as_u16()), code);
        trace.assert_joined();
        assert_eq!(trace.spans.len(), 2);
        let span = clients(&trace)[0];
        let expected = get_span(&trace, answered(&service, &url, code));
        assert_eq!(shape(span), expected);
        assert!(before <= span.start && span.end <= SystemTime::now());
    }
}

#[tokio::test]
async fn answer_404_is_error_for_client_only() {
    let router = Router::new().route("/", get(StatusCode::NOT_FOUND));
    let service = start(router.layer(TraceLayer::new())).await;
    let (_, trace) = call(client(TraceMiddleware::new()).get(service.url("/"))).await;
    let trace = recorder().trace(&trace.spans[0].trace_id, 3).await;
    let tree = "INTERNAL caller\n  CLIENT GET [error: 404]\n    SERVER GET /\n";
    assert_eq!(trace.tree(), tree);
}

#[tokio::test]
async fn span_name_has_template_without_unknown_method() {
    let service = statuses().await;
    let (url, client) = (service.url("/status/200"), client(TraceMiddleware::new()));
    let template = UrlTemplate::new("/status/{code}");
    let (_, trace) = call(client.get(&url).with_extension(template)).await;
    let mut expected = get_span(&trace, answered(&service, &url, 200));
    expected.name = "GET /status/{code}".into();
    let template = ("url.template", "/status/{code}".into());
    expected.attributes.extend(attributes([template]));
    assert_eq!(shape(clients(&trace)[0]), expected);

    let brew = Method::from_bytes(b"BREW").unwrap();
    let (_, trace) = call(client.request(brew.clone(), &url)).await;
    let mut expected = get_span(&trace, answered(&service, &url, 200));
    expected.name = "HTTP".into();
    expected.attributes.extend(attributes([
        ("http.request.method", "_OTHER".into()),
        ("http.request.method_original", "BREW".into()),
    ]));
    assert_eq!(shape(clients(&trace)[0]), expected);

    let knows = crate::support::client(TraceMiddleware::new().known_methods(["BREW"]));
    let (_, trace) = call(knows.request(brew, &url)).await;
    assert_eq!(clients(&trace)[0].name, "BREW");
}

#[tokio::test]
async fn url_secrets_are_redacted() {
    let service = statuses().await;
    let port = service.address.port();
    let at = |user: &str, query: &str| format!("http://{user}127.0.0.1:{port}/status/200?{query}");
    let query = "page=2&sig=secret&X-Amz-Signature=secret&token=secret";
    let redacted = "page=2&sig=REDACTED&X-Amz-Signature=REDACTED&token=";
    let secret_token = TraceMiddleware::new().redact_query_keys(["token"]);
    for (middleware, token) in [
        (TraceMiddleware::new(), "secret"),
        (secret_token, "REDACTED"),
    ] {
        // `reqwest` removes the credentials from the URL and sends them in an `Authorization` header.
        let request = client(middleware).get(at("user:secret@", query));
        let (_, trace) = call(request).await;
        let recorded = at("", &format!("{redacted}{token}"));
        let expected = get_span(&trace, answered(&service, &recorded, 200));
        assert_eq!(shape(clients(&trace)[0]), expected);
    }

    let url = at("user:secret@", query).parse().unwrap();
    let request = reqwest::Request::new(Method::GET, url);
    let builder =
        reqwest_middleware::RequestBuilder::from_parts(client(TraceMiddleware::new()), request);
    let (_, trace) = call(builder).await;
    let recorded = at("REDACTED:REDACTED@", &format!("{redacted}secret"));
    let expected = get_span(&trace, answered(&service, &recorded, 200));
    assert_eq!(shape(clients(&trace)[0]), expected);
}

#[tokio::test]
async fn listed_headers_are_recorded_and_secret_ones_never() {
    let headers = [("x-cache", "hit"), ("set-cookie", "id=secret")];
    let handler = async move || (headers, "answer").into_response();
    let service = start(Router::new().route("/", get(handler))).await;
    let url = service.url("/");
    let names = [
        header::AUTHORIZATION,
        header::COOKIE,
        header::SET_COOKIE,
        header::PROXY_AUTHORIZATION,
        HeaderName::from_static("x-cache"),
        HeaderName::from_static("x-tag"),
    ];
    let listing = TraceMiddleware::new()
        .request_headers(names.clone())
        .response_headers(names);
    let strings = |value: &'static str| Value::Array(Array::String(vec![value.into()]));
    let listed = attributes([
        ("http.request.header.x-tag", strings("a")),
        ("http.response.header.x-cache", strings("hit")),
    ]);
    for (middleware, added) in [(TraceMiddleware::new(), attributes([])), (listing, listed)] {
        let request = client(middleware)
            .get(&url)
            .header("x-tag", "a")
            .header("cookie", "id=secret")
            .header("proxy-authorization", "Basic secret")
            .bearer_auth("secret");
        let (_, trace) = call(request).await;
        let mut expected = get_span(&trace, answered(&service, &url, 200));
        expected.attributes.extend(added);
        assert_eq!(shape(clients(&trace)[0]), expected);
    }
}

/// Stores the context of every request, like a middleware that passes requests to another task.
#[derive(Default)]
struct Keeper(Mutex<Vec<Context>>);

#[async_trait::async_trait]
impl Middleware for Keeper {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        self.0.lock().unwrap().push(Context::current());
        next.run(request, extensions).await
    }
}

#[tokio::test]
async fn dropped_request_ends_span_without_error() {
    let gate = Gate::new();
    let handler = {
        let gate = gate.clone();
        async move || gate.pass().await
    };
    let service = start(Router::new().route("/", get(handler))).await;
    let keeper = Arc::new(Keeper::default());
    let client = ClientBuilder::new(bare_client())
        .with(TraceMiddleware::new())
        .with_arc(keeper.clone())
        .build();
    let url = service.url("/");
    let (trace_id, inside) = recorder()
        .in_trace("caller", async {
            tokio::select! {
                _ = client.get(&url).send() => panic!("the gate is closed"),
                inside = async { gate.entered().await; SystemTime::now() } => inside,
            }
        })
        .await;
    let trace = recorder().trace(&trace_id, 2).await;
    let span = clients(&trace)[0];
    let expected = get_span(&trace, asked(&url, service.address.port()));
    assert_eq!(shape(span), expected);
    assert!(span.end >= inside, "it ended too early");
    assert!(span.end <= trace.span("caller").end, "it ended too late");
    assert_eq!(keeper.0.lock().unwrap().len(), 1);
}
