//! Requests of customers, the responses, and the requests that inventory receives.

use std::collections::HashSet;

use axum::http::{StatusCode, Uri};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::stand_in::{inventory_saying, inventory_with, nobody, serve};
use crate::support::Checkout;

async fn checkout() -> Checkout {
    Checkout::with_inventory(&serve(inventory_with(1_000)).await).await
}

#[tokio::test]
async fn order_response_has_total_and_trace_id() {
    let answer = checkout()
        .await
        .order(&json!({"item_id": "item-123", "quantity": 3}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    let order_id: Uuid = body["order_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        body,
        json!({
            "order_id": order_id,
            "item_id": "item-123",
            "quantity": 3,
            "total_cents": 3 * 1999,
            "trace_id": answer.trace_id(),
        })
    );
}

#[tokio::test]
async fn quantity_is_one_by_default() {
    let answer = checkout()
        .await
        .order(&json!({"item_id": "item-123"}))
        .await;
    let body = answer.json();
    assert_eq!(body["quantity"], 1, "{body}");
    assert_eq!(body["total_cents"], 1999, "{body}");
}

#[tokio::test]
async fn every_order_has_its_own_id_and_trace() {
    let checkout = checkout().await;
    let mut order_ids = HashSet::new();
    let mut trace_ids = HashSet::new();
    for _ in 0..5 {
        let answer = checkout.order(&json!({"item_id": "item-123"})).await;
        order_ids.insert(answer.json()["order_id"].to_string());
        trace_ids.insert(answer.trace_id().to_owned());
    }
    assert_eq!((order_ids.len(), trace_ids.len()), (5, 5));
}

#[tokio::test]
async fn reservation_has_order_id_of_response() {
    let (seen, mut reservations) = mpsc::unbounded_channel();
    let reserve = async move |Json(reservation): Json<Value>| {
        seen.send(reservation.clone()).unwrap();
        (StatusCode::CREATED, Json(reservation))
    };
    let check = async || Json(json!({"item_id": "item-1", "available": 10, "price_cents": 5}));
    let inventory = Router::new()
        .route("/check/{item_id}", get(check))
        .route("/reservations", post(reserve));
    let checkout = Checkout::with_inventory(&serve(inventory).await).await;
    let answer = checkout
        .order(&json!({"item_id": "item-1", "quantity": 10}))
        .await;
    let expected =
        json!({"order_id": answer.json()["order_id"], "item_id": "item-1", "quantity": 10});
    assert_eq!(reservations.recv().await, Some(expected));
}

#[tokio::test]
async fn item_id_cannot_change_request_path() {
    let (seen, mut paths) = mpsc::unbounded_channel();
    let inventory = Router::new().fallback(async move |uri: Uri| {
        seen.send(uri.to_string()).unwrap();
        StatusCode::NOT_FOUND
    });
    let checkout = Checkout::with_inventory(&serve(inventory).await).await;
    for (item_id, path) in [
        ("a/b", "/check/a%2Fb"),
        ("../reservations", "/check/..%2Freservations"),
        ("?x=1", "/check/%3Fx=1"),
        ("#x", "/check/%23x"),
        ("%2e%2e", "/check/%252e%252e"),
        ("größe 42", "/check/gr%C3%B6%C3%9Fe%2042"),
    ] {
        checkout.order(&json!({"item_id": item_id})).await;
        assert_eq!(paths.recv().await.as_deref(), Some(path));
    }
}

#[tokio::test]
async fn base_path_of_inventory_url_is_kept() {
    let inventory = Router::new().nest("/stock", inventory_with(5));
    let url = format!("{}/stock/", serve(inventory).await);
    let answer = Checkout::with_inventory(&url)
        .await
        .order(&json!({"item_id": "item-123"}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn invalid_order_is_refused_with_field_and_rule() {
    // If checkout called this inventory, the response would be 502.
    let checkout = Checkout::with_inventory(&serve(inventory_saying(500, "")).await).await;
    let long = json!({"item_id": "x".repeat(65)}).to_string();
    for (body, parts) in [
        ("{", [""; 2]),
        ("", ["", ""]),
        ("[]", ["object", "list"]),
        (r#"["item-123", 5]"#, ["object", "list"]),
        ("{}", ["missing", "item_id"]),
        (
            r#"{"item_id": 7}"#,
            ["item_id: must be a string", "number 7"],
        ),
        (r#"{"item_id": ""}"#, ["item_id", "1 to 64"]),
        (
            r#"{"item_id": "a\u0000b"}"#,
            ["item_id", "control character"],
        ),
        (r#"{"item_id": ".."}"#, ["item_id", "`..`"]),
        (&long, ["item_id", "1 to 64"]),
        (
            r#"{"item_id": "a", "quantity": 0}"#,
            ["quantity is 0", "1 to 100"],
        ),
        (
            r#"{"item_id": "a", "quantity": -1}"#,
            ["quantity is -1", "1 to 100"],
        ),
        (
            r#"{"item_id": "a", "quantity": 101}"#,
            ["quantity is 101", "1 to 100"],
        ),
        (
            r#"{"item_id": "a", "quantity": 1.5}"#,
            ["quantity: must be a whole number", "1.5"],
        ),
        (r#"{"item_id": "a", "quantity": null}"#, ["null", ""]),
        (r#"{"item_id": "a", "qty": 5}"#, ["qty", "quantity"]),
    ] {
        let detail = checkout
            .post(body)
            .await
            .assert_problem(400, "invalid_request");
        for part in parts {
            assert!(detail.contains(part), "{body}: {detail}");
        }
    }
}

#[tokio::test]
async fn body_over_16_kib_is_too_large() {
    let body = json!({"item_id": "x".repeat(16 * 1024)}).to_string();
    let answer = checkout().await.post(&body).await;
    answer.assert_problem(413, "payload_too_large");
}

#[tokio::test]
async fn body_without_json_content_type_is_unsupported() {
    let answer = checkout()
        .await
        .post_text(r#"{"item_id": "item-123"}"#)
        .await;
    answer.assert_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn unknown_path_and_wrong_method_are_problems_too() {
    let checkout = checkout().await;
    checkout
        .get("/nowhere")
        .await
        .assert_problem(404, "not_found");
    let answer = checkout.get("/checkout").await;
    answer.assert_problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "POST");
    let answer = checkout.post_nothing("/").await;
    assert_eq!(answer.status, 405);
    assert!(answer.text.contains("method_not_allowed"), "{answer:?}");
}

#[tokio::test]
async fn ready_and_untraced_while_inventory_is_down() {
    let (_socket, url) = nobody();
    let checkout = Checkout::with_inventory(&url).await;
    for path in ["/healthz", "/readyz"] {
        let answer = checkout.get(path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!answer.headers.contains_key("traceresponse"), "{answer:?}");
    }
}
