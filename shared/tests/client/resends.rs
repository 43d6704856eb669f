//! Client spans of repeated requests: retries, redirects, copied requests and a second middleware.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, response::Redirect, routing::get};
use http::{Extensions, HeaderMap, Method, StatusCode};
use opentelemetry::trace::Status;
use reqwest_middleware::ClientBuilder;
use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
use shared::{client::TraceMiddleware, server::TraceLayer, testing::recorder};

use crate::{
    attempts::statuses,
    support::{
        answered, asked, attributes, bare_client, call, client, client_builder, clients, get_span,
        shape, start,
    },
};

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
