//! Baggage is sent to allowed hosts only, and the trace to every host.

use axum::{Router, response::Redirect, routing::get};
use http::{HeaderMap, Request, StatusCode, header};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt as _,
    trace::{FutureExt as _, noop::NoopTracerProvider},
};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use shared::{
    client::{ClientTraceLayer, TraceMiddleware, same_origin_redirects, traced},
    testing::recorder,
};
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Service, bare_client, client_builder, patience, start};

/// Runs a call in a new trace with the baggage `tenant=acme`. Returns the trace id and the result.
async fn with_baggage<F: Future>(call: F) -> (String, F::Output) {
    let in_baggage = async {
        let cx = Context::current().with_baggage([KeyValue::new("tenant", "acme")]);
        patience(call.with_context(cx)).await
    };
    recorder().in_trace("caller", in_baggage).await
}

/// Responds with the trace id and the baggage of the received headers.
async fn told(headers: HeaderMap) -> String {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap());
    format!(
        "{} {}",
        &text("traceparent").unwrap_or_default()[3..35],
        text("baggage").unwrap_or("nothing")
    )
}

/// Starts a service on loopback and returns its address.
async fn service() -> Service {
    start(Router::new().route("/told", get(told))).await
}

#[tokio::test]
async fn baggage_goes_to_private_network_by_default() {
    let service = service().await;
    let url = service.url("/told");
    for (middleware, baggage) in [
        (TraceMiddleware::new(), "tenant=acme"),
        (
            TraceMiddleware::new().baggage_to(["127.0.0.1"]),
            "tenant=acme",
        ),
        (
            TraceMiddleware::new().baggage_to(["inventory.example"]),
            "nothing",
        ),
        (TraceMiddleware::new().baggage_to([""; 0]), "nothing"),
    ] {
        let client = ClientBuilder::new(bare_client())
            .with(middleware.clone())
            .build();
        let (trace_id, answer) = with_baggage(client.get(&url).send()).await;
        let answer = answer.unwrap().text().await.unwrap();
        assert_eq!(answer, format!("{trace_id} {baggage}"), "{middleware:?}");
    }
}

#[tokio::test]
async fn third_party_gets_trace_without_baggage() {
    let service = service().await;
    let resolved = client_builder()
        .resolve("payments.example", service.address)
        .build();
    let client = ClientBuilder::new(resolved.unwrap())
        .with(TraceMiddleware::new())
        .build();
    let url = format!("http://payments.example:{}/told", service.address.port());
    let copied = client.get(&url).header("baggage", "user=7");
    let (trace_id, answer) = with_baggage(copied.send()).await;
    let answer = answer.unwrap().text().await.unwrap();
    assert_eq!(answer, format!("{trace_id} nothing"));
}

#[tokio::test]
async fn copied_baggage_is_removed_without_tracing() {
    let service = service().await;
    let url = format!("http://payments.example:{}/told", service.address.port());
    let untraced = NoopTracerProvider::new();
    for (middleware, baggage) in [
        (TraceMiddleware::new(), "nothing"),
        (
            TraceMiddleware::new().baggage_to(["payments.example"]),
            "user=7",
        ),
    ] {
        let client = client_builder()
            .resolve("payments.example", service.address)
            .build();
        let client = ClientBuilder::new(client.unwrap())
            .with(middleware.tracer_provider(&untraced))
            .build();
        // No span is current here, so the client passes on a `traceparent` header that the caller has copied.
        let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let copied = client
            .get(&url)
            .header("traceparent", traceparent)
            .header("baggage", "user=7");
        let answer = patience(copied.send()).await.unwrap();
        let answer = answer.text().await.unwrap();
        assert_eq!(answer, format!("{} {baggage}", &traceparent[3..35]));
    }
}

#[tokio::test]
async fn redirects_to_other_origins_are_left_to_callers() {
    let other = service().await;
    let targets = [
        other.url("/told"),
        format!("https://127.0.0.1:{}/told", other.address.port()),
        format!("http://localhost:{}/told", other.address.port()),
    ];
    for target in targets {
        let to = target.clone();
        let elsewhere = get(async move || Redirect::temporary(&to));
        let source = start(Router::new().route("/elsewhere", elsewhere)).await;
        let client = traced(reqwest::ClientBuilder::no_proxy).unwrap();
        let request = client
            .get(source.url("/elsewhere?token=secret"))
            .header("x-api-key", "secret");
        let (_, answer) = with_baggage(request.send()).await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT, "{target}");
        assert_eq!(answer.headers()[header::LOCATION], target);
    }
}

#[tokio::test]
async fn tower_client_follows_baggage_rules() {
    let service = service().await;
    for (layer, baggage) in [
        (ClientTraceLayer::new(), "tenant=acme"),
        (
            ClientTraceLayer::new().baggage_to(["inventory.example"]),
            "nothing",
        ),
    ] {
        let client = layer.layer(Client::builder(TokioExecutor::new()).build_http());
        let request = Request::get(service.url("/told")).body(axum::body::Body::empty());
        let (trace_id, answer) = with_baggage(client.oneshot(request.unwrap())).await;
        let body = axum::body::Body::new(answer.unwrap().into_body());
        let body = axum::body::to_bytes(body, 1024).await.unwrap();
        assert_eq!(body, format!("{trace_id} {baggage}"));
    }
}

#[tokio::test]
async fn redirects_within_origin_are_followed_and_others_left() {
    let target = service().await;
    let elsewhere = format!("http://payments.example:{}/told", target.address.port());
    let to = elsewhere.clone();
    let router = Router::new()
        .route("/told", get(told))
        .route("/here", get(async || Redirect::temporary("/told")))
        .route("/loop", get(async || Redirect::temporary("/loop")))
        .route("/elsewhere", get(async move || Redirect::temporary(&to)));
    let source = start(router).await;
    let by_hand = client_builder()
        .redirect(same_origin_redirects())
        .resolve("payments.example", target.address)
        .build();
    let by_hand = ClientBuilder::new(by_hand.unwrap())
        .with(TraceMiddleware::new())
        .build();
    let at_once = traced(|client| {
        client
            .resolve("payments.example", target.address)
            .no_proxy()
    })
    .unwrap();
    for client in [by_hand, at_once] {
        redirects(&client, &source, &elsewhere).await;
    }
}

async fn redirects(client: &ClientWithMiddleware, source: &Service, elsewhere: &str) {
    let get = |path| client.get(source.url(path)).send();

    let (trace_id, answer) = with_baggage(get("/here")).await;
    let answer = answer.unwrap().text().await.unwrap();
    assert_eq!(answer, format!("{trace_id} tenant=acme"));

    let (_, answer) = with_baggage(get("/loop")).await;
    assert!(answer.unwrap_err().is_redirect());

    let (_, answer) = with_baggage(get("/elsewhere")).await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT);
    let location = answer.headers()[header::LOCATION].to_str().unwrap();
    assert_eq!(location, elsewhere);
    let (trace_id, answer) = with_baggage(client.get(location).send()).await;
    let answer = answer.unwrap().text().await.unwrap();
    assert_eq!(answer, format!("{trace_id} nothing"));
}
