//! Every reservation ends as an order or is released, even if the caller disconnects.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Path, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use shared::propagation::HeaderInjector;
use shared::testing::recorder;
use tokio::sync::{Notify, mpsc};

use crate::stand_in::{inventory_with, serve};
use crate::support::{Checkout, client};

const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) type Calls = mpsc::UnboundedReceiver<(&'static str, String)>;

/// Starts a checkout and returns the calls that its inventory receives. The inventory answers reservations with
/// `reserve`, fails the first release, and accepts every later one.
pub(crate) async fn checkout_with(reserve: fn(Value) -> Response) -> (Checkout, Calls) {
    let (calls, received) = mpsc::unbounded_channel();
    let reserved = calls.clone();
    let reserve = async move |Json(order): Json<Value>| {
        let order_id = order["order_id"].as_str().unwrap().to_owned();
        reserved.send(("reserve", order_id)).unwrap();
        reserve(order)
    };
    let released = Arc::new(AtomicUsize::new(0));
    let release = async move |Path(order_id): Path<String>| {
        calls.send(("release", order_id)).unwrap();
        if released.fetch_add(1, Ordering::Relaxed) == 0 {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::NO_CONTENT
        }
    };
    let check = async || Json(json!({"item_id": "item-123", "available": 5, "price_cents": 1}));
    let inventory = Router::new()
        .route("/check/item-123", get(check))
        .route("/reservations", post(reserve))
        .route("/reservations/{order_id}", delete(release));
    let url = serve(inventory).await;
    (Checkout::with_inventory(&url).await, received)
}

pub(crate) async fn next(calls: &mut Calls) -> (&'static str, String) {
    let call = tokio::time::timeout(PATIENCE, calls.recv()).await;
    call.expect("the call comes in time").unwrap()
}

pub(crate) fn created(order: Value) -> Response {
    (StatusCode::CREATED, Json(order)).into_response()
}

#[tokio::test]
async fn order_in_doubt_is_released_until_inventory_has_done_so() {
    for reserve in [
        (|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()) as fn(Value) -> Response,
        |_| (StatusCode::CREATED, "created").into_response(),
        |mut order| {
            order["quantity"] = json!(99);
            created(order)
        },
        |_| (StatusCode::CONFLICT, r#"{"code": "order_conflict"}"#).into_response(),
    ] {
        let (checkout, mut calls) = checkout_with(reserve).await;
        let answer = checkout.order(&json!({"item_id": "item-123"})).await;
        answer.assert_problem(502, "inventory_failed");
        let (call, order_id) = next(&mut calls).await;
        assert_eq!(call, "reserve");
        for _ in 0..2 {
            assert_eq!(next(&mut calls).await, ("release", order_id.clone()));
        }
        let expected = [
            "SERVER POST /checkout",
            "  INTERNAL place_order",
            "    CLIENT GET /check/{item_id}",
            "    INTERNAL charge_payment",
            "    CLIENT POST /reservations",
            "    INTERNAL release_order",
            "      CLIENT DELETE /reservations/{order_id}",
            "      CLIENT DELETE /reservations/{order_id}",
        ];
        answer.assert_trace(&expected).await;
    }
}

#[tokio::test]
async fn refused_order_is_not_released() {
    let (checkout, mut calls) =
        checkout_with(|_| (StatusCode::CONFLICT, r#"{"code": "out_of_stock"}"#).into_response())
            .await;
    let answer = checkout.order(&json!({"item_id": "item-123"})).await;
    answer.assert_problem(409, "out_of_stock");
    // A release would be spawned before the request's span ends, so the trace is complete when that span has ended.
    let trace = recorder().trace(answer.trace_id(), 5).await;
    assert!(!trace.tree().contains("release_order"), "{trace}");
    assert_eq!(next(&mut calls).await.0, "reserve");
    assert!(calls.try_recv().is_err());
}

#[tokio::test]
async fn order_of_a_caller_who_hung_up_is_placed() {
    let (begun, mut begins) = mpsc::unbounded_channel();
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let inventory = inventory_with(5).layer(from_fn(move |request: Request, next: Next| {
        let (begun, opened) = (begun.clone(), Arc::clone(&opened));
        async move {
            if request.method() == "POST" {
                begun.send(()).unwrap();
                opened.notified().await;
            }
            next.run(request).await
        }
    }));
    let checkout = Checkout::with_inventory(&serve(inventory).await).await;
    let (trace_id, ()) = recorder()
        .in_trace("caller", async {
            let mut headers = HeaderMap::new();
            shared::propagation::inject(&mut HeaderInjector(&mut headers));
            let order = client()
                .post(checkout.url("/checkout"))
                .headers(headers)
                .header("content-type", "application/json")
                .body(r#"{"item_id":"item-123"}"#)
                .send();
            tokio::select! {
                answer = order => panic!("{answer:?}"),
                begun = begins.recv() => begun.unwrap(),
            }
        })
        .await;
    // This span ends when checkout has noticed that the caller disconnected.
    recorder().span(&trace_id, "POST /checkout").await;
    gate.notify_one();
    recorder().span(&trace_id, "send_receipt").await;
    recorder().trace(&trace_id, 7).await.assert_joined();
}
