//! The metrics of HTTP servers and clients, with their exact attributes, however a request ends.

use axum::{
    Router,
    routing::{any, get, post},
};
use http::StatusCode;
use opentelemetry::Value;
use shared::{client::TraceMiddleware, problem, server::TraceLayer, testing::recorder};

use crate::support::{
    Attributes, Caller, Connection, Gate, Meters, Points, Service, attributes, call, client, parts,
    start,
};

const SERVER: &str = "http.server.request.duration";
const CLIENT: &str = "http.client.request.duration";
const ACTIVE: &str = "http.server.active_requests";

async fn measured(router: Router) -> (Meters, Service) {
    recorder();
    let meters = Meters::new();
    let layer = TraceLayer::new().meter_provider(&meters.provider);
    let router = router.layer(problem::catch_panic()).layer(layer);
    (meters, start(router).await)
}

/// Returns the metric attributes of a request over HTTP/1.1, including the attributes in `more`.
fn request<const N: usize>(method: &'static str, more: [(&str, Value); N]) -> Attributes {
    let mut request = attributes([
        ("http.request.method", method.into()),
        ("url.scheme", "http".into()),
        ("network.protocol.version", "1.1".into()),
    ]);
    request.extend(attributes(more));
    request
}

fn route(route: &'static str) -> (&'static str, Value) {
    ("http.route", route.into())
}

fn status(code: i64) -> (&'static str, Value) {
    ("http.response.status_code", code.into())
}

fn error_type(name: &'static str) -> (&'static str, Value) {
    ("error.type", name.into())
}

/// Returns the expected points of the active requests metric, for one method.
fn active(method: &'static str, count: i64) -> Points {
    let mut attributes = request(method, []);
    attributes.remove("network.protocol.version");
    vec![(attributes, count)]
}

#[tokio::test]
async fn completed_request_metric_has_route_and_status() {
    let (meters, service) = measured(Router::new().route("/items/{id}", get("text"))).await;
    let mut connection = Connection::open(&service).await;
    let before = std::time::Instant::now();
    for item in 1..=3 {
        let caller = Caller::new();
        let line = format!("GET /items/{item}?page={item}");
        connection.request(&line, &caller).await;
        assert_eq!(connection.answer().await.body, "text");
        recorder().trace(&caller.trace_id, 1).await;
    }
    let expected = request("GET", [route("/items/{id}"), status(200)]);
    assert_eq!(meters.counts(SERVER), [(expected, 3)]);
    assert_eq!(meters.values(ACTIVE), active("GET", 0));
    let (seconds, buckets) = meters.seconds(SERVER);
    assert!(0.0 < seconds && seconds <= before.elapsed().as_secs_f64());
    let conventions = [
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ];
    assert_eq!(buckets, conventions);
}

async fn fails() -> StatusCode {
    panic!("as it must")
}

#[tokio::test]
async fn metric_error_type_equals_span() {
    for (path, more) in [
        (
            "/panics",
            vec![route("/panics"), status(500), error_type("panic")],
        ),
        ("/503", vec![route("/503"), status(503), error_type("503")]),
        ("/404", vec![route("/404"), status(404)]),
        ("/nothing", vec![status(404)]),
    ] {
        let router = Router::new()
            .route("/panics", any(fails))
            .route("/503", any(StatusCode::SERVICE_UNAVAILABLE))
            .route("/404", any(StatusCode::NOT_FOUND));
        let (meters, service) = measured(router).await;
        let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
        connection.request(&format!("BREW {path}"), &caller).await;
        connection.answer().await;
        let trace = recorder().trace(&caller.trace_id, 1).await;
        let mut expected = request("_OTHER", []);
        expected.extend(more.into_iter().map(|(key, value)| (key.to_owned(), value)));
        let measured = expected.get("error.type").map(ToString::to_string);
        assert_eq!(trace.spans[0].error_type(), measured);
        assert_eq!(meters.counts(SERVER), [(expected, 1)], "{path}");
        assert_eq!(meters.values(ACTIVE), active("_OTHER", 0));
    }
}

#[tokio::test]
async fn abandoned_request_is_no_longer_active() {
    let gate = Gate::new();
    let handler = {
        let gate = gate.clone();
        async move || gate.pass().await
    };
    let (meters, service) = measured(Router::new().route("/stuck", post(handler))).await;
    let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
    connection.request("POST /stuck", &caller).await;
    gate.entered().await;
    assert_eq!(meters.values(ACTIVE), active("POST", 1));
    drop(connection);
    recorder().trace(&caller.trace_id, 1).await;
    assert_eq!(meters.values(ACTIVE), active("POST", 0));
    let expected = request("POST", [route("/stuck")]);
    assert_eq!(meters.counts(SERVER), [(expected, 1)]);
}

#[tokio::test]
async fn partial_and_broken_bodies_are_measured() {
    for breaks in [false, true] {
        let (parts, body) = parts();
        let body = std::sync::Arc::new(std::sync::Mutex::new(Some(body)));
        let handler = async move || body.lock().unwrap().take().unwrap();
        let (meters, service) = measured(Router::new().route("/streams", get(handler))).await;
        let (caller, mut connection) = (Caller::new(), Connection::open(&service).await);
        connection.request("GET /streams", &caller).await;
        parts.send(Ok("first".into())).unwrap();
        connection.head().await;
        assert_eq!(connection.chunk().await, "first");
        assert_eq!(meters.values(ACTIVE), active("GET", 1));

        let mut expected = request("GET", [route("/streams"), status(200)]);
        if breaks {
            parts.send(Err(std::io::Error::other("disk full"))).unwrap();
            expected.extend(attributes([error_type("body")]));
        } else {
            drop(connection);
        }
        recorder().trace(&caller.trace_id, 1).await;
        assert_eq!(meters.values(ACTIVE), active("GET", 0));
        assert_eq!(meters.counts(SERVER), [(expected, 1)]);
    }
}

#[tokio::test]
async fn every_client_attempt_is_measured() {
    recorder();
    let gate = Gate::new();
    let stuck = {
        let gate = gate.clone();
        async move || gate.pass().await
    };
    let router = Router::new()
        .route("/200", get(()))
        .route("/404", get(StatusCode::NOT_FOUND))
        .route("/stuck", get(stuck));
    let service = start(router).await;
    let server = |more: &[(&str, Value)]| {
        let mut expected = attributes([
            ("http.request.method", "GET".into()),
            ("server.address", "127.0.0.1".into()),
            ("server.port", i64::from(service.address.port()).into()),
        ]);
        let more = more.iter().cloned();
        expected.extend(more.map(|(key, value)| (key.to_owned(), value)));
        expected
    };
    let version = ("network.protocol.version", "1.1".into());
    for (path, expected) in [
        ("/200", server(&[status(200), version.clone()])),
        ("/404", server(&[status(404), version, error_type("404")])),
        ("/stuck", server(&[])),
    ] {
        let meters = Meters::new();
        let client = client(TraceMiddleware::new().meter_provider(&meters.provider));
        let request = client.get(service.url(path));
        tokio::select! {
            (result, _) = call(request) => drop(result.unwrap()),
            () = gate.entered() => {}
        }
        assert_eq!(meters.counts(CLIENT), [(expected, 1)], "{path}");
    }

    let address = service.address;
    service.shut_down().await;
    let meters = Meters::new();
    let client = client(TraceMiddleware::new().meter_provider(&meters.provider));
    let (result, _) = call(client.get(format!("http://{address}/200"))).await;
    assert!(result.is_err());
    let mut expected = attributes([
        ("http.request.method", "GET".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(address.port()).into()),
    ]);
    let version = ("network.protocol.version", "1.1".into());
    expected.extend(attributes([error_type("connect"), version]));
    assert_eq!(meters.counts(CLIENT), [(expected, 1)]);
}
