//! Request methods in span names: methods of the semantic conventions, methods that the application configures, and
//! unknown methods.

use axum::{Router, routing::any};
use shared::server::TraceLayer;

use crate::support::{Service, Shape, in_child, served, server, shape, start};

async fn items(layer: TraceLayer) -> Service {
    start(Router::new().route("/items/{id}", any("one")).layer(layer)).await
}

#[tokio::test]
async fn unknown_method_is_not_in_name() {
    let service = items(TraceLayer::new()).await;
    for method in ["BREW", "get", "_OTHER"] {
        let (status, caller, span, port) = served(&service, &format!("{method} /items/1")).await;
        assert_eq!(status, 200);
        let request = ("_OTHER", "/items/1", "/items/{id}");
        let mut expected = Shape {
            name: "HTTP /items/{id}".into(),
            ..server(&caller, request, port, Some(200), None)
        };
        let original = ("http.request.method_original".to_owned(), method.into());
        expected.attributes.extend([original]);
        assert_eq!(shape(&span), expected);
    }
    let (_, _, span, _) = served(&service, "BREW /nothing").await;
    assert_eq!(span.name, "HTTP");
}

#[tokio::test]
async fn conventional_methods_are_span_names() {
    let service = items(TraceLayer::new()).await;
    for method in [
        "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "QUERY",
    ] {
        let (status, caller, span, port) = served(&service, &format!("{method} /items/1")).await;
        let request = (method, "/items/1", "/items/{id}");
        let expected = server(&caller, request, port, Some(status.into()), None);
        assert_eq!(shape(&span), expected);
    }
}

/// Sends a request with this method. Returns the method attributes and the first word of the span name.
async fn method(layer: TraceLayer, method: &str) -> (String, Option<String>, String) {
    let service = items(layer).await;
    let (_, _, span, _) = served(&service, &format!("{method} /items/1")).await;
    let name = span.attribute("http.request.method").unwrap();
    let original = span.attribute("http.request.method_original");
    (
        name,
        original,
        span.name.split(' ').next().unwrap().to_owned(),
    )
}

fn known(method: &str) -> (String, Option<String>, String) {
    (method.into(), None, method.into())
}

fn unknown(method: &str) -> (String, Option<String>, String) {
    ("_OTHER".into(), Some(method.into()), "HTTP".into())
}

#[tokio::test]
async fn known_methods_replace_conventional_methods() {
    let layer = TraceLayer::new().known_methods(["BREW", "GET"]);
    assert_eq!(method(layer.clone(), "BREW").await, known("BREW"));
    assert_eq!(method(layer.clone(), "GET").await, known("GET"));
    assert_eq!(method(layer, "POST").await, unknown("POST"));
}

/// Runs in a child process, because the environment variable is only read once in a process.
#[test]
fn known_methods_are_read_from_environment() {
    let variables = [("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "GET, BREW")];
    in_child(&variables, async || {
        assert_eq!(method(TraceLayer::new(), "BREW").await, known("BREW"));
        assert_eq!(method(TraceLayer::new(), "GET").await, known("GET"));
        assert_eq!(method(TraceLayer::new(), "POST").await, unknown("POST"));
    });
}
