//! The spans that checkout itself makes. The whole trace, with inventory's part, is asserted where both services run.

use opentelemetry::KeyValue;
use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::SpanData;
use serde_json::json;

use crate::recorder::{span, span_names};
use crate::stand_in::{inventory_saying, inventory_with, serve};
use crate::support::Checkout;

fn error_type(span: &SpanData) -> Option<String> {
    let is_error_type = |attribute: &&KeyValue| attribute.key.as_str() == "error.type";
    let attribute = span.attributes.iter().find(is_error_type)?;
    Some(attribute.value.to_string())
}

#[tokio::test]
async fn receipt_outlives_the_order_and_stays_in_its_trace() {
    let checkout = Checkout::with_inventory(&serve(inventory_with(5)).await).await;
    let answer = checkout.order(&json!({"item_id": "item-123"})).await;
    let server = span(answer.trace_id(), "POST /checkout").await;
    let placing = span(answer.trace_id(), "place_order").await;
    let charge = span(answer.trace_id(), "charge_payment").await;
    let receipt = span(answer.trace_id(), "send_receipt").await;
    assert_eq!(placing.parent_span_id, server.span_context.span_id());
    assert_eq!(charge.parent_span_id, placing.span_context.span_id());
    assert_eq!(receipt.parent_span_id, placing.span_context.span_id());
    assert!(receipt.end_time > placing.end_time);
    assert_eq!(placing.status, Status::Unset);
}

#[tokio::test]
async fn order_span_tells_order_item_and_quantity() {
    let checkout = Checkout::with_inventory(&serve(inventory_with(5)).await).await;
    let answer = checkout
        .order(&json!({"item_id": "item-123", "quantity": 2}))
        .await;
    let placing = span(answer.trace_id(), "place_order").await;
    let order_id = answer.json()["order_id"].as_str().unwrap().to_owned();
    for expected in [
        KeyValue::new("order_id", order_id),
        KeyValue::new("item_id", "item-123"),
        KeyValue::new("quantity", 2),
    ] {
        let attributes = &placing.attributes;
        assert!(
            attributes.contains(&expected),
            "{expected:?}: {attributes:?}"
        );
    }
}

#[tokio::test]
async fn failed_call_fails_the_order_span() {
    let checkout = Checkout::with_inventory(&serve(inventory_saying(500, "")).await).await;
    let answer = checkout.order(&json!({"item_id": "item-123"})).await;
    let placing = span(answer.trace_id(), "place_order").await;
    assert!(
        matches!(placing.status, Status::Error { .. }),
        "{placing:?}"
    );
    assert_eq!(error_type(&placing).as_deref(), Some("inventory_failed"));
}

#[tokio::test]
async fn refusal_does_not_fail_the_order_span() {
    let unknown = inventory_saying(404, json!({"code": "unknown_item"}));
    for inventory in [unknown, inventory_with(0)] {
        let checkout = Checkout::with_inventory(&serve(inventory).await).await;
        let answer = checkout.order(&json!({"item_id": "item-123"})).await;
        let placing = span(answer.trace_id(), "place_order").await;
        assert_eq!(placing.status, Status::Unset, "{answer:?}");
        assert_eq!(error_type(&placing), None);
        // Nothing that could fail was tried after the refusal.
        let names = span_names(answer.trace_id());
        assert!(
            !names.contains(&"POST /reservations".to_owned()),
            "{names:?}"
        );
        assert!(!names.contains(&"charge_payment".to_owned()), "{names:?}");
    }
}
