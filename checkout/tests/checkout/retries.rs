//! Which calls are retried, how often, and how the trace shows the attempts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use serde_json::json;
use shared::testing::{Span, recorder};

use crate::stand_in::{inventory_saying, inventory_with, never_accepts, nobody, serve};
use crate::support::Checkout;

/// Answers 503 to the first `failures` requests, and passes later requests to `inventory`.
fn failing_at_first(failures: usize, inventory: Router) -> Router {
    let asked = Arc::new(AtomicUsize::new(0));
    inventory.layer(from_fn(move |request: Request, next: Next| {
        let fails = asked.fetch_add(1, Ordering::Relaxed) < failures;
        async move {
            if fails {
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
            next.run(request).await
        }
    }))
}

/// Returns the error type and the resend count of each attempt, in order.
fn attempts<'a>(spans: &'a [Span], name: &'a str) -> Vec<(Option<String>, Option<String>)> {
    let attempts = spans.iter().filter(|span| span.name == name);
    let told = |span: &Span| {
        (
            span.error_type(),
            span.attribute("http.request.resend_count"),
        )
    };
    attempts.map(told).collect()
}

#[tokio::test]
async fn order_succeeds_if_third_attempt_succeeds() {
    let inventory = failing_at_first(2, inventory_with(5));
    let checkout = Checkout::with_inventory(&serve(inventory).await).await;
    let answer = checkout.order(&json!({"item_id": "item-123"})).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");

    let trace = recorder().trace(answer.trace_id(), 8).await;
    trace.assert_joined();
    let failed = Some("503".to_owned());
    let expected = [
        (failed.clone(), None),
        (failed, Some("1".to_owned())),
        (None, Some("2".to_owned())),
    ];
    assert_eq!(attempts(&trace.spans, "GET /check/{item_id}"), expected);
    assert_eq!(attempts(&trace.spans, "POST /reservations"), [(None, None)]);
}

#[tokio::test]
async fn reservation_is_tried_again_for_the_same_order() {
    let orders = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&orders);
    let inventory = inventory_with(5).layer(from_fn(move |request: Request, next: Next| {
        let seen = Arc::clone(&seen);
        async move {
            if request.method() != "POST" {
                return next.run(request).await;
            }
            let body = axum::body::to_bytes(request.into_body(), 4096).await;
            seen.lock().unwrap().push(body.unwrap());
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }));
    let checkout = Checkout::with_inventory(&serve(inventory).await).await;
    let answer = checkout.order(&json!({"item_id": "item-123"})).await;
    answer.assert_problem(503, "inventory_unavailable");
    let orders = orders.lock().unwrap();
    let [first, second, third] = orders.as_slice() else {
        panic!("three attempts: {orders:?}");
    };
    assert!(first == second && second == third, "{orders:?}");
}

#[tokio::test]
async fn refused_connection_is_tried_three_times() {
    let (_socket, url) = nobody();
    let checkout = Checkout::with_inventory(&url).await;
    let answer = checkout.order(&json!({"item_id": "item-123"})).await;
    answer.assert_problem(503, "inventory_unavailable");
    let trace = recorder().trace(answer.trace_id(), 5).await;
    let refused = Some("connect".to_owned());
    let expected = [
        (refused.clone(), None),
        (refused.clone(), Some("1".to_owned())),
        (refused, Some("2".to_owned())),
    ];
    assert_eq!(attempts(&trace.spans, "GET /check/{item_id}"), expected);
}

#[tokio::test]
async fn permanent_failure_is_not_retried() {
    for status in [400, 404, 409, 500, 502] {
        let checkout = Checkout::with_inventory(&serve(inventory_saying(status, "")).await).await;
        let answer = checkout.order(&json!({"item_id": "item-123"})).await;
        let trace = recorder().trace(answer.trace_id(), 3).await;
        assert_eq!(
            attempts(&trace.spans, "GET /check/{item_id}"),
            [(Some(status.to_string()), None)]
        );
    }
}

#[tokio::test]
async fn connect_timeout_is_unavailable_without_retry() {
    let (_queue, url) = never_accepts().await;
    let settings = [
        ("INVENTORY_URL", url.as_str()),
        ("INVENTORY_TIMEOUT", "20s"),
        ("INVENTORY_CONNECT_TIMEOUT", "100ms"),
    ];
    let checkout = Checkout::with_settings(&settings).await;
    let answer = checkout.order(&json!({"item_id": "item-123"})).await;
    answer.assert_problem(503, "inventory_unavailable");
    let trace = recorder().trace(answer.trace_id(), 3).await;
    let expected = [(Some("connect".to_owned()), None)];
    assert_eq!(attempts(&trace.spans, "GET /check/{item_id}"), expected);
}

#[tokio::test]
async fn retry_after_of_inventory_prevents_retries() {
    let busy = async || {
        let later = [("retry-after", "1")];
        (StatusCode::SERVICE_UNAVAILABLE, later, "{}")
    };
    let checkout = Checkout::with_inventory(&serve(Router::new().fallback(busy)).await).await;
    let answer = checkout.order(&json!({"item_id": "item-123"})).await;
    answer.assert_problem(503, "inventory_unavailable");
    let trace = recorder().trace(answer.trace_id(), 3).await;
    let expected = [(Some("503".to_owned()), None)];
    assert_eq!(attempts(&trace.spans, "GET /check/{item_id}"), expected);
}

#[tokio::test]
async fn attempts_share_one_deadline() {
    // The first attempt gets a 503 and the second no response: the second has only the time that the first has left.
    let silent = Router::new().fallback(async || std::future::pending::<()>().await);
    let url = serve(failing_at_first(1, silent)).await;
    let settings = [
        ("INVENTORY_URL", url.as_str()),
        ("INVENTORY_TIMEOUT", "400ms"),
    ];
    let checkout = Checkout::with_settings(&settings).await;
    let answer = checkout.order(&json!({"item_id": "item-123"})).await;
    answer.assert_problem(504, "inventory_timeout");
    let trace = recorder().trace(answer.trace_id(), 4).await;
    let order = trace.span("place_order").duration();
    assert!(order >= Duration::from_millis(400), "{order:?}");
    let last = trace.spans.last().unwrap();
    assert_eq!(last.error_type().as_deref(), Some("timeout"));
    assert!(last.duration() < Duration::from_millis(400), "{last:?}");
}
