//! The contract's table, row by row: status, code, headers, and one trace id in body, header, logs and span.

use serde_json::{Value, json};

use crate::services::{Answer, Services, row};

/// A request, and what the table says to it: status, code, and how many spans its trace has.
type Row = (&'static str, &'static str, u16, Option<&'static str>, usize);

const JSON: &str = "application/json";

#[tokio::test]
async fn every_row_of_the_table_is_answered_as_it_says() {
    let services = Services::start().await;
    let too_large =
        Box::leak(format!(r#"{{"item_id":"{}"}}"#, "a".repeat(17 * 1024)).into_boxed_str());
    let table: [Row; 14] = [
        (r#"{"item_id":"item-123"}"#, JSON, 200, None, 10),
        (
            r#"{"item_id":"item-123","quantity":100}"#,
            JSON,
            200,
            None,
            10,
        ),
        (
            r#"{"item_id":"item-sold-out"}"#,
            JSON,
            409,
            Some("out_of_stock"),
            5,
        ),
        (r#"{"item_id":"item-slow"}"#, JSON, 200, None, 10),
        (
            r#"{"item_id":"item-stuck"}"#,
            JSON,
            504,
            Some("inventory_timeout"),
            5,
        ),
        (
            r#"{"item_id":"item-corrupt"}"#,
            JSON,
            502,
            Some("inventory_failed"),
            5,
        ),
        (
            r#"{"item_id":"item-none"}"#,
            JSON,
            404,
            Some("unknown_item"),
            5,
        ),
        (r#"{"item_id":"#, JSON, 400, Some("invalid_request"), 1),
        (r#"{"quantity":1}"#, JSON, 400, Some("invalid_request"), 1),
        (
            r#"{"item_id":"item-123","quantity":0}"#,
            JSON,
            400,
            Some("invalid_request"),
            1,
        ),
        (
            r#"{"item_id":"item-123","quantity":101}"#,
            JSON,
            400,
            Some("invalid_request"),
            1,
        ),
        (
            r#"{"item_id":"item-123","quantity":"1"}"#,
            JSON,
            400,
            Some("invalid_request"),
            1,
        ),
        (too_large, JSON, 413, Some("payload_too_large"), 1),
        (
            r#"{"item_id":"item-123"}"#,
            "text/plain",
            415,
            Some("unsupported_media_type"),
            1,
        ),
    ];
    for (body, content_type, status, code, spans) in table {
        let answer = services.post(body, &[("content-type", content_type)]).await;
        let what = body.get(..60).unwrap_or(body);
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        match code {
            Some(code) => assert_problem(&answer, code),
            None => assert_placed(&answer, body),
        }
        assert_same_trace_everywhere(&services, &answer, spans).await;
    }
}

#[tokio::test]
async fn inventory_that_is_down_is_unavailable() {
    let mut services = Services::start().await;
    services.inventory.terminate();
    services.inventory.exited().await;
    let answer = services.checkout(r#"{"item_id":"item-123"}"#).await;
    assert_eq!(answer.status, 503);
    assert_problem(&answer, "inventory_unavailable");
    // The request, the order, and three attempts.
    assert_same_trace_everywhere(&services, &answer, 5).await;
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
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
async fn same_order_takes_nothing_twice() {
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
    assert_eq!(members, ["code", "detail", "status", "title", "trace_id"]);
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
    let span_id = demo::attributes::hex(&server.span.id);
    assert_eq!(
        answer.headers["traceresponse"],
        format!("00-{trace_id}-{span_id}-03")
    );
    let status = demo::attributes::find(&server.span.span.attributes, "http.response.status_code");
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
