//! Tests that a service that is asked to stop completes its requests.

use std::net::Ipv4Addr;

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{delete, get, post},
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::services::{Services, tree};

#[tokio::test]
async fn slow_checkout_completes_during_shutdown() {
    let mut services = Services::start().await;
    let request = services
        .client
        .post(format!("{}/checkout", services.checkout.url));
    let request = request
        .header("content-type", "application/json")
        .body(r#"{"item_id":"item-slow"}"#);
    let checkout = shared::task::spawn(request.send());

    // The span of the stock query shows that the request is in progress.
    services.wait_for_span("SELECT stock").await;
    services.checkout.terminate();
    services
        .checkout
        .log(|line| line["message"] == "draining")
        .await;

    let answer = crate::services::Answer::of(checkout.await.unwrap().unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(services.checkout.exited().await.success());
    let stopped = services
        .checkout
        .log(|line| line["message"] == "stopped")
        .await;
    assert_eq!(stopped["spans.lost"], 0);
    assert_eq!(stopped["spans.ended"], stopped["spans.exported"]);

    let trace = services.trace(answer.trace_id(), 10).await;
    assert!(trace.is_joined(), "{}", tree(&trace));
}

#[tokio::test]
async fn release_cut_off_at_shutdown_is_logged() {
    let fails = async || StatusCode::INTERNAL_SERVER_ERROR;
    let check = async || Json(json!({"item_id": "item-123", "available": 5, "price_cents": 1}));
    let inventory = Router::new()
        .route("/check/item-123", get(check))
        .route("/reservations", post(fails))
        .route("/reservations/{order_id}", delete(fails));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = shared::task::spawn(async move { axum::serve(listener, inventory).await });
    let mut services = Services::start().await;
    services.use_inventory(url).await;

    let answer = services.checkout(r#"{"item_id":"item-123"}"#).await;
    assert_eq!(answer.status, 502, "{answer:?}");
    let checkout = &mut services.checkout;
    let late = checkout.log(|line| line["message"] == "order not settled yet");
    let order_id = late.await["order_id"].clone();
    checkout.terminate();
    let lost = |line: &serde_json::Value| {
        let message = line["message"].as_str().unwrap_or_default();
        line["level"] == "ERROR" && message.starts_with("order not settled, its reservation")
    };
    assert_eq!(checkout.log(lost).await["order_id"], order_id);
    assert!(checkout.exited().await.success());
    drop(server);
}
