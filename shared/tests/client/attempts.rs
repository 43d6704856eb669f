//! Client spans of requests that were answered, or that their caller gave up.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse as _, Redirect},
    routing::{any, get},
};
use http::{Extensions, HeaderMap, HeaderName, Method, StatusCode, header};
use opentelemetry::{Array, Context, Value, trace::Status};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
use shared::{
    client::{TraceMiddleware, UrlTemplate},
    server::TraceLayer,
    testing::recorder,
};

use crate::support::{
    Gate, Service, answered, asked, attributes, bare_client, call, client, client_builder, clients,
    get_span, shape, start,
};

async fn statuses() -> Service {
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
async fn every_attempt_is_span_with_resend_count() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let handler = {
        let seen = seen.clone();
        async move |headers: HeaderMap| {
            let mut seen = seen.lock().unwrap();
            let traceparent = &headers.get_all("traceparent").iter().collect::<Vec<_>>()[..];
            let [traceparent] = traceparent else {
                panic!("each attempt has its own: {traceparent:?}");
            };
            seen.push(traceparent.to_str().unwrap()[36..52].to_owned());
            match seen.len() {
                1 | 2 => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::OK,
            }
        }
    };
    let service = start(Router::new().route("/", get(handler))).await;
    let millisecond = Duration::from_millis(1);
    let policy = ExponentialBackoff::builder()
        .retry_bounds(millisecond, millisecond)
        .build_with_max_retries(3);
    let client = ClientBuilder::new(bare_client())
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .with(TraceMiddleware::new())
        .build();
    let url = service.url("/");
    let (result, trace) = call(client.get(&url)).await;
    assert_eq!(result.unwrap().status(), StatusCode::OK);

    let spans = clients(&trace);
    assert_eq!(spans.len(), 3, "{trace}");
    for (resent, (span, status)) in (0_i64..).zip(spans.iter().zip([503, 503, 200])) {
        let mut expected = get_span(&trace, answered(&service, &url, status));
        if resent > 0 {
            let count = ("http.request.resend_count", resent.into());
            expected.attributes.extend(attributes([count]));
        }
        assert_eq!(shape(span), expected);
    }
    let sent: Vec<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    assert_eq!(
        *seen.lock().unwrap(),
        sent,
        "each attempt sends its own span id"
    );
}

#[tokio::test]
async fn request_with_copied_extensions_is_not_resend() {
    let service = statuses().await;
    let client = client(TraceMiddleware::new());
    let counts = async |codes: [(Method, u16); 3]| {
        let mut extensions = Extensions::new();
        let calls = async {
            for (method, code) in codes {
                let url = service.url(&format!("/status/{code}"));
                let request = client.request(method, url).build().unwrap();
                let answer = client.execute_with_extensions(request, &mut extensions);
                answer.await.unwrap();
            }
        };
        let (trace_id, ()) = recorder().in_trace("caller", calls).await;
        let trace = recorder().trace(&trace_id, 4).await;
        let spans = clients(&trace).into_iter();
        let count = |span: &shared::testing::Span| span.attribute("http.request.resend_count");
        spans.map(count).collect::<Vec<_>>()
    };
    let (get, post) = (Method::GET, Method::POST);
    let none = [None, None, None];
    let another_url = [(get.clone(), 503), (get.clone(), 500), (get.clone(), 503)];
    assert_eq!(counts(another_url).await, none);
    let another_method = [(get.clone(), 503), (post, 503), (get.clone(), 503)];
    assert_eq!(counts(another_method).await, none);
    let answered = [(get.clone(), 200), (get.clone(), 200), (get.clone(), 200)];
    assert_eq!(counts(answered).await, none);
    let resent = [(get.clone(), 503), (get.clone(), 503), (get, 503)];
    let count = |count: &str| Some(count.to_owned());
    assert_eq!(counts(resent).await, [None, count("1"), count("2")]);
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

#[tokio::test]
async fn redirects_are_one_span_with_original_url() {
    let target = Router::new()
        .route("/target", get("here"))
        .layer(TraceLayer::new());
    let target = start(target).await;
    let to = target.url("/target");
    let source = Router::new()
        .route("/source", get(async move || Redirect::temporary(&to)))
        .route("/loop", get(async || Redirect::temporary("/loop")))
        .layer(TraceLayer::new());
    let source = start(source).await;
    let url = source.url("/source");
    let (result, trace) = call(client(TraceMiddleware::new()).get(&url)).await;
    assert_eq!(result.unwrap().text().await.unwrap(), "here");
    let trace = recorder().trace(&trace.spans[0].trace_id, 4).await;
    let mut expected = get_span(&trace, answered(&source, &url, 200));
    let peer = ("network.peer.port", i64::from(target.address.port()).into());
    expected.attributes.extend(attributes([peer]));
    assert_eq!(shape(clients(&trace)[0]), expected);
    let tree = "INTERNAL caller\n  CLIENT GET\n    SERVER GET /source\n    SERVER GET /target\n";
    assert_eq!(trace.tree(), tree);

    let url = source.url("/loop");
    let (result, trace) = call(client(TraceMiddleware::new()).get(&url)).await;
    assert!(result.unwrap_err().is_redirect());
    let mut expected = asked(&url, source.address.port());
    let version = ("network.protocol.version", "1.1".into());
    expected.extend(attributes([("error.type", "redirect".into()), version]));
    let trace = recorder().trace(&trace.spans[0].trace_id, 3).await;
    assert_eq!(shape(clients(&trace)[0]), get_span(&trace, expected));

    let url = source.url("/source");
    let by_hand = client_builder().redirect(reqwest::redirect::Policy::none());
    let by_hand = ClientBuilder::new(by_hand.build().unwrap())
        .with(TraceMiddleware::new())
        .build();
    let (_, trace) = call(by_hand.get(&url)).await;
    let expected = get_span(&trace, answered(&source, &url, 307));
    assert_eq!(shape(clients(&trace)[0]), expected);
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
        // Which takes the credentials out of the URL, and makes an Authorization header of them.
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

#[tokio::test]
async fn attempt_without_span_replaces_stale_traceparent() {
    let recorder = recorder();
    let handler = async |headers: HeaderMap| {
        let sent = headers.get_all("traceparent").iter();
        sent.map(|value| value.to_str().unwrap())
            .collect::<String>()
    };
    let service = start(Router::new().route("/", get(handler))).await;
    let stale = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = client(TraceMiddleware::new()).get(service.url("/"));
    let answer = request.header("traceparent", stale).send().await.unwrap();
    let sent = answer.text().await.unwrap();
    assert_eq!(sent.len(), stale.len(), "{sent}");
    let trace = recorder.trace(&sent[3..35], 1).await;
    assert_eq!(trace.spans[0].span_id, sent[36..52]);
    assert_eq!(trace.spans[0].parent_id, None);
    assert_eq!(trace.spans[0].status, Status::Unset);
}

#[tokio::test]
async fn copied_headers_carry_no_context() {
    recorder();
    let handler = async |headers: HeaderMap| {
        let stale = ["tracestate", "baggage"].map(|name| headers.contains_key(name));
        format!("{stale:?} {}", headers["x-kept"].to_str().unwrap())
    };
    let service = start(Router::new().route("/", get(handler))).await;
    let request = client(TraceMiddleware::new()).get(service.url("/"));
    let request = request
        .header("tracestate", "vendor=1")
        .header("baggage", "tenant=1");
    let answer = request.header("x-kept", "yes").send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "[false, false] yes");
}

#[tokio::test]
async fn second_middleware_on_client_steps_aside() {
    let service = statuses().await;
    let client = ClientBuilder::new(bare_client())
        .with(TraceMiddleware::new())
        .with(TraceMiddleware::new())
        .build();
    let url = service.url("/status/200");
    let mut extensions = Extensions::new();
    for _ in 0..2 {
        let request = client.get(&url).build().unwrap();
        let sent = client.execute_with_extensions(request, &mut extensions);
        let (trace_id, result) = recorder().in_trace("caller", sent).await;
        let trace = recorder().trace(&trace_id, 2).await;
        assert_eq!(result.unwrap().status(), 200);
        assert_eq!(trace.spans.len(), 2, "{trace}");
        let span = clients(&trace)[0];
        let expected = get_span(&trace, answered(&service, &url, 200));
        assert_eq!(shape(span), expected);
    }
}

#[tokio::test]
async fn request_after_cancelled_attempt_has_span_again() {
    let service = statuses().await;
    let client = client(TraceMiddleware::new());
    let url = service.url("/status/200");
    let mut extensions = Extensions::new();
    let request = client.get(&url).build().unwrap();
    let cancelled = client.execute_with_extensions(request, &mut extensions);
    assert!(futures_util::FutureExt::now_or_never(cancelled).is_none());
    let request = client.get(&url).build().unwrap();
    let sent = client.execute_with_extensions(request, &mut extensions);
    let (trace_id, result) = recorder().in_trace("caller", sent).await;
    let trace = recorder().trace(&trace_id, 2).await;
    assert_eq!(result.unwrap().status(), 200);
    assert_eq!(clients(&trace).len(), 1, "{trace}");
}
