//! Checks every example request of the catalogue: status, code, headers, and one trace id in body, header, logs and
//! span.

use checkout::catalogue::{Body, ROWS, Reach, Row};
use serde_json::{Value, json};

use crate::services::{Answer, Services, row};

#[tokio::test]
async fn every_catalogue_row_is_answered_as_documented() {
    let mut services = Services::start().await;
    let (down, up): (Vec<_>, Vec<_>) = ROWS.iter().partition(|row| row.reach == Reach::Unavailable);
    for row in up {
        answers(&services, row).await;
    }
    services.inventory.terminate();
    services.inventory.exited().await;
    for row in down {
        answers(&services, row).await;
    }
}

#[tokio::test]
async fn quantities_are_accepted_from_1_to_100_only() {
    let services = Services::start().await;
    let refused = row_of("bad quantity");
    let placed = row_of("item-123");
    let quantity = |body, like: &'static Row| Row {
        body: Body::Text(body),
        ..*like
    };
    for row in [
        quantity(r#"{"item_id":"item-123","quantity":100}"#, placed),
        quantity(r#"{"item_id":"item-123","quantity":0}"#, refused),
        quantity(r#"{"item_id":"item-123","quantity":"1"}"#, refused),
        quantity(r#"{"quantity":1}"#, refused),
    ] {
        answers(&services, &row).await;
    }
}

fn row_of(name: &str) -> &'static Row {
    ROWS.iter().find(|row| row.name == name).unwrap()
}

/// Sends the request of a catalogue row and compares the response, logs and trace with the row.
async fn answers(services: &Services, row: &Row) {
    let body = row.body.text();
    let answer = services
        .post(&body, &[("content-type", row.media_type)])
        .await;
    assert_eq!(answer.status, row.status, "{}: {answer:?}", row.name);
    match row.code {
        Some(code) => assert_problem(&answer, code),
        None => assert_placed(&answer, &body),
    }
    let spans = match row.reach {
        Reach::Refused => 1,
        // Five spans: the request, the order, and either one call with its two spans in inventory, or three attempts to
        // call inventory.
        Reach::Checked | Reach::Unavailable => 5,
        Reach::Placed => 10,
    };
    assert_same_trace_everywhere(services, &answer, spans).await;
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let services = Services::start().await;
    for url in [&services.checkout.url, &services.inventory.url] {
        let answer = Answer::of(
            services
                .client
                .get(format!("{url}/nowhere"))
                .send()
                .await
                .unwrap(),
        )
        .await;
        assert_eq!(answer.status, 404);
        assert_problem(&answer, "not_found");
    }
    let delete = services
        .client
        .delete(format!("{}/checkout", services.checkout.url));
    let answer = Answer::of(delete.send().await.unwrap()).await;
    assert_eq!(answer.status, 405);
    assert_problem(&answer, "method_not_allowed");
    assert_eq!(answer.headers["allow"], "POST");
}

#[tokio::test]
async fn repeated_order_reserves_stock_once() {
    let services = Services::start().await;
    let reserve = async || {
        let order = json!({ "order_id": "order-1", "item_id": "item-123", "quantity": 3 });
        let request = services
            .client
            .post(format!("{}/reservations", services.inventory.url))
            .json(&order);
        Answer::of(request.send().await.unwrap()).await
    };
    let (first, again) = (reserve().await, reserve().await);
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(
        first.body,
        json!({ "order_id": "order-1", "item_id": "item-123", "quantity": 3, "remaining": 999_997 })
    );
    assert_eq!(first.body, again.body);
    let check = services
        .client
        .get(format!("{}/check/item-123", services.inventory.url));
    let item = Answer::of(check.send().await.unwrap()).await;
    assert_eq!(
        item.body,
        json!({ "item_id": "item-123", "available": 999_997, "price_cents": 1999 })
    );
}

#[track_caller]
fn assert_placed(answer: &Answer, body: &str) {
    let order: Value = serde_json::from_str(body).unwrap();
    let quantity = order["quantity"].as_u64().unwrap_or(1);
    assert_eq!(answer.body["item_id"], order["item_id"]);
    assert_eq!(answer.body["quantity"], quantity);
    assert_eq!(answer.body["total_cents"], 1999 * quantity);
    assert!(answer.body["order_id"].is_string());
    assert_eq!(answer.headers["content-type"], "application/json");
}

#[track_caller]
fn assert_problem(answer: &Answer, code: &str) {
    let problem = answer.body.as_object().unwrap();
    let members: Vec<&str> = problem.keys().map(String::as_str).collect();
    assert_eq!(
        members,
        ["code", "detail", "status", "title", "trace_id", "type"]
    );
    assert_eq!(problem["code"], code);
    assert_eq!(problem["status"], answer.status);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let detail = problem["detail"].as_str().unwrap();
    for inner in ["127.0.0.1", "reqwest", "sqlx", "panic", "-1", "src/"] {
        assert!(
            !detail.contains(inner),
            "`{inner}` is none of the caller's business: {detail}"
        );
    }
}

async fn assert_same_trace_everywhere(services: &Services, answer: &Answer, spans: usize) {
    let trace_id = answer.trace_id();
    let trace = services.trace(trace_id, spans).await;
    assert!(trace.is_joined());
    assert_eq!(trace.rows.len(), spans);
    let server = row(&trace, "checkout", "POST /checkout");
    let span_id = viewer::attributes::hex(&server.span.id);
    assert_eq!(
        answer.headers["traceresponse"],
        format!("00-{trace_id}-{span_id}-03")
    );
    let status =
        viewer::attributes::find(&server.span.span.attributes, "http.response.status_code");
    assert_eq!(status, Some(answer.status.to_string()));

    services
        .checkout
        .log(|line| line["trace_id"] == trace_id && line["status"] == answer.status)
        .await;
    let called = trace.services.iter().any(|service| service == "inventory");
    let logged = !services.inventory.logs_of(trace_id).is_empty();
    assert_eq!(
        called, logged,
        "inventory's log names the trace exactly when it was called"
    );
}
