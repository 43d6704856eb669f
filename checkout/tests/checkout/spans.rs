//! The spans that checkout itself creates. The end-to-end tests of the demo check the whole trace, including
//! inventory's spans.

use opentelemetry::Value;
use opentelemetry::trace::Status;
use serde_json::json;
use shared::testing::recorder;

use crate::stand_in::{inventory_saying, inventory_with, serve};
use crate::support::Checkout;

#[tokio::test]
async fn receipt_outlives_order_in_same_trace() {
    let checkout = Checkout::with_inventory(&serve(inventory_with(5)).await).await;
    let answer = checkout.order(&json!({"item_id": "item-123"})).await;
    // The whole trace except the two spans of inventory, since the stand-in records none.
    let trace = recorder().trace(answer.trace_id(), 6).await;
    trace.assert_joined();
    assert_eq!(
        trace.tree(),
        "\
SERVER POST /checkout
  INTERNAL place_order
    CLIENT GET /check/{item_id}
    INTERNAL charge_payment
    CLIENT POST /reservations
    INTERNAL send_receipt
"
    );
    let placing = trace.span("place_order");
    assert!(trace.span("send_receipt").end > placing.end);
    assert_eq!(placing.status, Status::Unset);
}

#[tokio::test]
async fn order_span_tells_order_item_and_quantity() {
    let checkout = Checkout::with_inventory(&serve(inventory_with(5)).await).await;
    let answer = checkout
        .order(&json!({"item_id": "item-123", "quantity": 2}))
        .await;
    let placing = recorder().span(answer.trace_id(), "place_order").await;
    let order_id = answer.json()["order_id"].as_str().unwrap().to_owned();
    for (key, value) in [
        ("shop.order.id", order_id.into()),
        ("shop.item.id", "item-123".into()),
        ("shop.order.quantity", Value::from(2)),
    ] {
        assert_eq!(placing.attributes.get(key), Some(&value), "{key}");
    }
}

#[tokio::test]
async fn failed_call_fails_the_order_span() {
    let checkout = Checkout::with_inventory(&serve(inventory_saying(500, "")).await).await;
    let answer = checkout.order(&json!({"item_id": "item-123"})).await;
    let placing = recorder().span(answer.trace_id(), "place_order").await;
    assert!(
        matches!(placing.status, Status::Error { .. }),
        "{placing:?}"
    );
    assert_eq!(placing.error_type().as_deref(), Some("inventory_failed"));
}

#[tokio::test]
async fn refusal_does_not_fail_the_order_span() {
    let unknown = inventory_saying(404, json!({"code": "unknown_item"}));
    for inventory in [unknown, inventory_with(0)] {
        let checkout = Checkout::with_inventory(&serve(inventory).await).await;
        let answer = checkout.order(&json!({"item_id": "item-123"})).await;
        let placing = recorder().span(answer.trace_id(), "place_order").await;
        assert_eq!(placing.status, Status::Unset, "{answer:?}");
        assert_eq!(placing.error_type(), None);
        // No further step was attempted after the rejection.
        let trace = recorder().now(answer.trace_id());
        for name in ["POST /reservations", "charge_payment"] {
            assert!(!trace.spans.iter().any(|span| span.name == name), "{trace}");
        }
    }
}
