//! A plain tower service without a framework: request extensions contain the route and the peer address.

use axum::body::Body;
use http::{Request, Response};
use opentelemetry::Value;
use shared::{
    server::{CutOff, PeerAddr, Route, TraceLayer},
    testing::recorder,
};
use tokio_util::sync::CancellationToken;
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};

use crate::support::{Attributes, Caller, Meters, Shape, attributes, server, shape};

const ITEM: (&str, &str, &str) = ("GET", "/items/7", "/items/{id}");

/// Returns a request with its peer address and route as extensions.
fn request(caller: &Caller) -> Request<Body> {
    let request = Request::get("/items/7")
        .header("host", "shop.example:8080")
        .header("traceparent", caller.traceparent())
        .extension(PeerAddr("127.0.0.1:4711".parse().unwrap()))
        .extension(Route("/items/{id}".into()));
    request.body(Body::empty()).unwrap()
}

fn measured(route: Option<&'static str>) -> Attributes {
    let route = route.map(|route| ("http.route".to_owned(), Value::from(route)));
    let mut measured = attributes([
        ("http.request.method", "GET".into()),
        ("url.scheme", "http".into()),
        ("network.protocol.version", "1.1".into()),
        ("http.response.status_code", 200.into()),
    ]);
    measured.extend(route);
    measured
}

#[tokio::test]
async fn explicit_route_names_span_and_metric() {
    let recorder = recorder();
    let meters = Meters::new();
    let layer = TraceLayer::new().meter_provider(&meters.provider);
    let service = layer.layer(service_fn(async |_: Request<Body>| {
        Ok::<_, std::fmt::Error>(Response::new(Body::empty()))
    }));
    let caller = Caller::new();
    service.clone().oneshot(request(&caller)).await.unwrap();
    let expected = server(&caller, ITEM, 4711, Some(200), None);
    let trace = recorder.trace(&caller.trace_id, 1).await;
    assert_eq!(shape(&trace.spans[0]), expected);

    let stranger = Caller::new();
    let mut unmatched = request(&stranger);
    unmatched.extensions_mut().remove::<Route>();
    service.oneshot(unmatched).await.unwrap();
    let trace = recorder.trace(&stranger.trace_id, 1).await;
    assert_eq!(trace.spans[0].name, "GET");
    assert_eq!(trace.spans[0].attribute("http.route"), None);
    let mut points = meters.counts("http.server.request.duration");
    points.sort_by_key(|(attributes, _)| attributes.len());
    assert_eq!(points, [(measured(None), 1), (measured(Some(ITEM.2)), 1)]);
}

#[tokio::test]
async fn only_cut_off_request_is_error() {
    let recorder = recorder();
    let mut service = TraceLayer::new().layer(service_fn(async |_: Request<Body>| {
        std::future::pending::<Result<Response<Body>, std::fmt::Error>>().await
    }));
    for is_cut_off in [false, true] {
        let cut_off = CancellationToken::new();
        let caller = Caller::new();
        let mut request = request(&caller);
        request.extensions_mut().insert(CutOff(cut_off.clone()));
        let response = service.call(request);
        if is_cut_off {
            cut_off.cancel();
        }
        drop(response);
        let error_type = is_cut_off.then_some("shutdown");
        let mut expected = server(&caller, ITEM, 4711, None, error_type);
        if !is_cut_off {
            expected = Shape {
                events: vec!["request.abandoned".into()],
                ..expected
            };
        }
        let trace = recorder.trace(&caller.trace_id, 1).await;
        assert_eq!(shape(&trace.spans[0]), expected);
    }
}
