//! An order that is abandoned or times out cancels its request to inventory.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use serde_json::json;
use tokio::sync::mpsc;

use crate::stand_in::serve;
use crate::support::{Checkout, client};

/// Work of inventory. Sends `stopped` when it is dropped.
struct Work(mpsc::UnboundedSender<&'static str>);

impl Drop for Work {
    fn drop(&mut self) {
        let _ = self.0.send("stopped");
    }
}

/// Starts a checkout whose inventory never finishes its work. The receiver gets `begun` when the work begins, and
/// `stopped` when it is cancelled.
async fn endless_inventory(
    request_timeout: &str,
) -> (Checkout, mpsc::UnboundedReceiver<&'static str>) {
    let (says, said) = mpsc::unbounded_channel();
    let work = async move || -> StatusCode {
        let _work = Work(says.clone());
        says.send("begun").unwrap();
        std::future::pending().await
    };
    let url = serve(Router::new().fallback(work)).await;
    let settings = [
        ("INVENTORY_URL", url.as_str()),
        ("INVENTORY_TIMEOUT", "1h"),
        ("REQUEST_TIMEOUT", request_timeout),
    ];
    (Checkout::with_settings(&settings).await, said)
}

async fn next(said: &mut mpsc::UnboundedReceiver<&'static str>) -> &'static str {
    let limit = Duration::from_secs(20);
    let next = tokio::time::timeout(limit, said.recv()).await;
    next.expect("it says so in time").unwrap()
}

#[tokio::test]
async fn slow_order_times_out_and_stops_inventory() {
    let (checkout, mut said) = endless_inventory("2s").await;
    let answer = checkout.order(&json!({"item_id": "item-123"})).await;
    answer.assert_problem(503, "timeout");
    assert_eq!(next(&mut said).await, "begun");
    assert_eq!(next(&mut said).await, "stopped");
}

#[tokio::test]
async fn customer_who_leaves_stops_inventory() {
    let (checkout, mut said) = endless_inventory("1h").await;
    let order = client()
        .post(checkout.url("/checkout"))
        .header("content-type", "application/json")
        .body(r#"{"item_id":"item-123"}"#)
        .send();
    tokio::select! {
        answer = order => panic!("{answer:?}"),
        begun = next(&mut said) => assert_eq!(begun, "begun"),
    }
    assert_eq!(next(&mut said).await, "stopped");
}
