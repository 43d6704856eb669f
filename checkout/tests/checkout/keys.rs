//! Orders with an `Idempotency-Key`, which the caller may send again.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::json;
use shared::testing::recorder;

use crate::released::{checkout_with, created, next};
use crate::stand_in::nobody;
use crate::support::Checkout;

const KEY: &str = "8e03978e-40d5-43e8-bc93-6894a57f9324";

#[tokio::test]
async fn invalid_key_is_refused_before_any_call() {
    let (_socket, url) = nobody();
    let checkout = Checkout::with_inventory(&url).await;
    for key in ["", "order-1", "00000000-0000-0000-0000-000000000000"] {
        let order = json!({"item_id": "item-123"});
        let answer = checkout.order_with_key(key, &order).await;
        let detail = answer.assert_problem(400, "invalid_request");
        assert!(detail.contains("Idempotency-Key"), "{detail}");
    }
}

#[tokio::test]
async fn order_in_doubt_with_key_is_finished() {
    static FAILED: AtomicBool = AtomicBool::new(false);
    let (checkout, mut calls) = checkout_with(|order| {
        if FAILED.swap(true, Ordering::Relaxed) {
            created(order)
        } else {
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    })
    .await;
    let order = json!({"item_id": "item-123"});
    let answer = checkout.order_with_key(KEY, &order).await;
    let detail = answer.assert_problem(502, "inventory_failed");
    assert!(detail.contains("the same Idempotency-Key"), "{detail}");
    for _ in 0..2 {
        assert_eq!(next(&mut calls).await, ("reserve", KEY.to_owned()));
    }
    let expected = [
        "SERVER POST /checkout",
        "  INTERNAL place_order",
        "    CLIENT GET /check/{item_id}",
        "    INTERNAL charge_payment",
        "    CLIENT POST /reservations",
        "    INTERNAL finish_order",
        "      CLIENT POST /reservations",
        "    INTERNAL send_receipt",
    ];
    answer.assert_trace(&expected).await;
}

#[tokio::test]
async fn refusal_of_key_names_the_key() {
    let refusals = [
        ("order_conflict", 422, "idempotency_key_reused"),
        ("order_released", 409, "order_released"),
    ];
    let [conflict, released] = [
        checkout_with(|_| (StatusCode::CONFLICT, r#"{"code": "order_conflict"}"#).into_response()),
        checkout_with(|_| (StatusCode::CONFLICT, r#"{"code": "order_released"}"#).into_response()),
    ];
    for ((of_inventory, status, code), checkout) in refusals.into_iter().zip([conflict, released]) {
        let (checkout, mut calls) = checkout.await;
        let order = json!({"item_id": "item-123"});
        let answer = checkout.order_with_key(KEY, &order).await;
        let detail = answer.assert_problem(status, code);
        assert!(
            detail.contains("Idempotency-Key"),
            "{of_inventory}: {detail}"
        );
        // The order is neither finished nor released. A task for either would be spawned before the request's span
        // ends.
        recorder().trace(answer.trace_id(), 5).await;
        assert_eq!(next(&mut calls).await.0, "reserve");
        assert!(calls.try_recv().is_err(), "{of_inventory}");
    }
}
