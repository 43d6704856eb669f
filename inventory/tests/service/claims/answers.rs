//! Tests of the responses to valid and invalid requests.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::service::{Service, execute};

pub(crate) async fn check_answers_stock_and_price(database_url: &str) {
    let service = Service::start(database_url).await;

    for (item_id, available) in [("item-123", 1_000_000), ("item-sold-out", 0)] {
        let answer = service.get(&format!("/check/{item_id}")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.body,
            json!({"item_id": item_id, "available": available, "price_cents": 1999})
        );
    }

    service.stop().await;
}

pub(crate) async fn unknown_item_is_404_for_both(database_url: &str) {
    let service = Service::start(database_url).await;

    for answer in [
        service.get("/check/item-404").await,
        service.reserve("order-1", "item-404", 1).await,
    ] {
        let detail = answer.problem(404, "unknown_item");
        assert!(detail.contains("item-404"), "{detail}");
    }

    service.stop().await;
}

pub(crate) async fn slow_warehouse_delays_its_check_and_no_reservation(database_url: &str) {
    let service = Service::start(database_url).await;

    let asked = Instant::now();
    assert_eq!(
        service.reserve("order-1", "item-stuck", 1).await.status,
        201
    );
    assert!(asked.elapsed() < Duration::from_secs(30));

    let asked = Instant::now();
    assert_eq!(service.get("/check/item-slow").await.status, 200);
    assert!(asked.elapsed() >= Duration::from_millis(1200));

    service.stop().await;
}

pub(crate) async fn corrupt_row_is_500_and_the_next_request_is_served(database_url: &str) {
    let service = Service::start(database_url).await;

    for answer in [
        service.get("/check/item-corrupt").await,
        service.reserve("order-1", "item-corrupt", 1).await,
    ] {
        let detail = answer.problem(500, "internal_error");
        assert!(!detail.contains("-1"), "{detail}");
        assert_eq!(service.get("/check/item-123").await.status, 200);
    }

    service.stop().await;
}

pub(crate) async fn invalid_values_are_400_and_named(database_url: &str) {
    let service = Service::start(database_url).await;

    let long = "x".repeat(65);
    for (order_id, item_id, quantity, field) in [
        ("order-1", "item-123", 0, "quantity"),
        ("order-1", "item-123", 101, "quantity"),
        ("order-1", "item-123", -1, "quantity"),
        ("", "item-123", 1, "order_id"),
        ("order 1", "item-123", 1, "order_id"),
        (&long, "item-123", 1, "order_id"),
        ("order-1", "", 1, "item_id"),
        ("order-1", "item\0", 1, "item_id"),
        ("order-1", &long, 1, "item_id"),
    ] {
        let answer = service.reserve(order_id, item_id, quantity).await;
        let detail = answer.problem(400, "invalid_request");
        assert!(detail.contains(&format!("{field}: must be ")), "{detail}");
    }
    for path in [
        format!("/check/{long}"),
        "/check/%00".into(),
        "/check/%FF".into(),
    ] {
        let answer = service.get(&path).await;
        let detail = answer.problem(400, "invalid_request");
        assert!(detail.contains("item_id: must be "), "{detail}");
    }
    assert_eq!(service.available("item-123").await, 1_000_000);

    service.stop().await;
}

pub(crate) async fn malformed_bodies_are_problems(database_url: &str) {
    let service = Service::start(database_url).await;

    let order = r#"{"order_id": "order-1", "item_id": "item-123", "quantity": 1}"#;
    for (body, named) in [
        ("", ""),
        ("{", ""),
        ("[]", "object"),
        (r#"["order-1", "item-123", 1]"#, "must be an object"),
        (
            r#"{"order_id": "order-1", "item_id": "item-123", "quantity": 1, "qty": 2}"#,
            "`qty` is not known",
        ),
        (
            r#"{"order_id": "order-1", "item_id": "item-123", "quantity": 82.0}"#,
            "quantity: must be a whole number",
        ),
        (
            r#"{"order_id": "order-1", "item_id": "item-123"}"#,
            "quantity",
        ),
        (
            r#"{"order_id": "order-1", "item_id": "item-123", "quantity": 1.5}"#,
            "quantity",
        ),
        (
            r#"{"order_id": "order-1", "item_id": "item-123", "quantity": "1"}"#,
            "quantity",
        ),
        (
            r#"{"order_id": "order-1", "item_id": "item-123", "quantity": 1e99}"#,
            "quantity",
        ),
        (
            r#"{"order_id": 1, "item_id": "item-123", "quantity": 1}"#,
            "order_id",
        ),
    ] {
        let answer = service.post("application/json", body).await;
        let detail = answer.problem(400, "invalid_request");
        assert!(detail.contains(named), "{detail}");
        for rust in ["i64", "struct", "sequence"] {
            assert!(!detail.contains(rust), "{detail}");
        }
    }
    let answer = service.post("text/plain", order).await;
    answer.problem(415, "unsupported_media_type");
    let answer = service
        .post("application/json", " ".repeat(16 * 1024) + order)
        .await;
    answer.problem(413, "payload_too_large");
    assert_eq!(service.available("item-123").await, 1_000_000);

    service.stop().await;
}

pub(crate) async fn other_paths_and_methods_are_problems(database_url: &str) {
    let service = Service::start(database_url).await;

    for path in ["/", "/check", "/check/", "/check/item-123/more"] {
        assert_eq!(service.get(path).await.status, 404, "{path}");
        assert_eq!(
            service.get(path).await.content_type,
            "application/problem+json"
        );
    }
    assert_eq!(service.get("/reservations").await.status, 405);
    assert_eq!(
        service.get("/reservations").await.content_type,
        "application/problem+json"
    );

    service.stop().await;
}

pub(crate) async fn broken_database_is_500_without_its_words_and_not_ready(database_url: &str) {
    let service = Service::start(database_url).await;
    assert_eq!(service.get("/healthz").await.status, 200);
    assert_eq!(service.get("/readyz").await.status, 200);

    execute(database_url, "ALTER TABLE stock RENAME TO elsewhere").await;

    for answer in [
        service.get("/check/item-123").await,
        service.reserve("order-1", "item-123", 1).await,
    ] {
        let detail = answer.problem(500, "internal_error");
        assert!(!detail.contains("stock"), "{detail}");
    }
    let answer = service.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.body["ready"], false);
    assert_eq!(answer.body["reason"], "the database does not answer");
    assert_eq!(service.get("/healthz").await.status, 200);

    service.stop().await;
}
