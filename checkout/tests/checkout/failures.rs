//! Failures of inventory, and checkout's responses to them.

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::{any, get, post};
use serde_json::{Value, json};

use crate::stand_in::{End, INNER, inventory_saying, inventory_with, nobody, serve, serve_bytes};
use crate::support::{Answer, Checkout};

async fn order_from(inventory_url: &str) -> Answer {
    order_within("10s", inventory_url).await
}

/// Sends an order with a call timeout that is certain to expire.
async fn order_from_silent(inventory_url: &str) -> Answer {
    order_within("100ms", inventory_url).await
}

async fn order_within(timeout: &str, inventory_url: &str) -> Answer {
    let settings = [
        ("INVENTORY_URL", inventory_url),
        ("INVENTORY_TIMEOUT", timeout),
    ];
    let checkout = Checkout::with_settings(&settings).await;
    checkout.order(&json!({"item_id": "item-123"})).await
}

#[tokio::test]
async fn no_answer_in_time_is_a_timeout() {
    let url = serve(Router::new().fallback(std::future::pending::<StatusCode>)).await;
    let answer = order_from_silent(&url).await;
    answer.assert_problem(504, "inventory_timeout");
}

#[tokio::test]
async fn body_that_stalls_is_a_timeout() {
    let url = serve_bytes(
        b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{",
        End::Never,
    )
    .await;
    let answer = order_from_silent(&url).await;
    answer.assert_problem(504, "inventory_timeout");
}

#[tokio::test]
async fn refused_connection_is_unavailable() {
    let (_socket, url) = nobody();
    let answer = order_from(&url).await;
    answer.assert_problem(503, "inventory_unavailable");
}

#[tokio::test]
async fn unresolvable_name_is_unavailable() {
    let answer = order_from("http://does-not-exist.invalid").await;
    answer.assert_problem(503, "inventory_unavailable");
}

#[tokio::test]
async fn reset_connection_is_unavailable() {
    let url = serve_bytes(b"", End::Reset).await;
    let answer = order_from(&url).await;
    answer.assert_problem(503, "inventory_unavailable");
}

#[tokio::test]
async fn connection_cut_within_the_body_is_unavailable() {
    let url = serve_bytes(
        b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{",
        End::Reset,
    )
    .await;
    let answer = order_from(&url).await;
    answer.assert_problem(503, "inventory_unavailable");
}

#[tokio::test]
async fn status_503_is_unavailable() {
    let url = serve(inventory_saying(503, json!({"detail": INNER}))).await;
    let answer = order_from(&url).await;
    answer.assert_problem(503, "inventory_unavailable");
}

#[tokio::test]
async fn any_other_error_status_is_a_failure() {
    for status in [400, 401, 405, 500, 502, 504] {
        let url = serve(inventory_saying(status, json!({"detail": INNER}))).await;
        let answer = order_from(&url).await;
        answer.assert_problem(502, "inventory_failed");
    }
}

#[tokio::test]
async fn overloaded_inventory_is_unavailable_for_as_long_as_it_says() {
    for (status, sent, passed_on) in [
        (429, Some("7"), "7"),
        (503, Some("120"), "120"),
        (503, Some("999999999999"), "3600"),
        (503, Some("Wed, 21 Oct 2026 07:28:00 GMT"), "1"),
        (429, None, "1"),
        (503, None, "1"),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let busy = async move || {
            let later = sent.map(|sent| [("retry-after", sent)]);
            (
                status,
                axum::response::AppendHeaders(later.into_iter().flatten()),
                "{}",
            )
                .into_response()
        };
        let answer = order_from(&serve(Router::new().fallback(busy)).await).await;
        answer.assert_problem(503, "inventory_unavailable");
        assert_eq!(answer.header("retry-after"), passed_on, "{status} {sent:?}");
    }
}

#[tokio::test]
async fn endless_answer_is_a_failure() {
    for status in [200, 500, 503] {
        // Declares a body of 10 GiB and sends data as long as the client reads.
        let endless = async move || {
            let chunk = || Ok::<_, std::io::Error>(vec![b' '; 16 * 1024]);
            let chunks = futures_util::stream::repeat_with(chunk);
            let body = Body::from_stream(chunks);
            let status = StatusCode::from_u16(status).unwrap();
            (status, [("content-length", "10737418240")], body).into_response()
        };
        let answer = order_from(&serve(Router::new().fallback(endless)).await).await;
        answer.assert_problem(502, "inventory_failed");
    }
}

#[tokio::test]
async fn answer_about_something_else_is_a_failure() {
    let id = "0190163d-8694-739b-aea5-966c26f8ad91";
    for (member, value) in [
        ("order_id", json!(id)),
        ("item_id", json!("item-1")),
        ("quantity", json!(2)),
        ("quantity", json!(null)),
    ] {
        let reserve = async move |Json(mut order): Json<Value>| {
            order[member] = value;
            (StatusCode::CREATED, Json(order))
        };
        let check = async || Json(json!({"item_id": "item-123", "available": 5, "price_cents": 1}));
        let inventory = Router::new()
            .route("/check/item-123", get(check))
            .route("/reservations", post(reserve));
        let answer = order_from(&serve(inventory).await).await;
        answer.assert_problem(502, "inventory_failed");
    }
    let other = json!({"item_id": "item-1", "available": 5, "price_cents": 1});
    let answer = order_from(&serve(inventory_saying(200, other)).await).await;
    answer.assert_problem(502, "inventory_failed");
}

#[tokio::test]
async fn refusal_without_its_code_is_a_failure() {
    for (status, body) in [
        (404, json!("Not Found")),
        (404, json!({"code": "not_found"})),
        (409, json!({})),
        (409, json!({"code": "unknown_item"})),
    ] {
        let url = serve(inventory_saying(status, body)).await;
        let answer = order_from(&url).await;
        answer.assert_problem(502, "inventory_failed");
    }
}

#[tokio::test]
async fn answer_that_cannot_be_understood_is_a_failure() {
    for body in [
        "",
        "<html>welcome</html>",
        r#"{"available": 1}"#,
        r#"{"available": 1, "price_cents": -1}"#,
        r#"{"available": 1, "price_cents": 9999999999}"#,
    ] {
        let url = serve(inventory_saying(200, body)).await;
        let answer = order_from(&url).await;
        answer.assert_problem(502, "inventory_failed");
    }
}

#[tokio::test]
async fn bytes_that_are_no_http_are_unavailable() {
    let url = serve_bytes(b"220 mail.example.com ESMTP\r\n", End::Never).await;
    let answer = order_from(&url).await;
    answer.assert_problem(503, "inventory_unavailable");
}

#[tokio::test]
async fn redirect_is_a_failure_and_is_not_followed() {
    let inventory = inventory_with(5).nest(
        "/old",
        Router::new().route(
            "/check/item-123",
            any(Redirect::permanent("/check/item-123")),
        ),
    );
    let url = serve(inventory).await;
    let answer = order_from(&format!("{url}/old")).await;
    answer.assert_problem(502, "inventory_failed");
}

#[tokio::test]
async fn unknown_item_is_not_found() {
    let url = serve(inventory_saying(
        404,
        json!({"code": "unknown_item", "detail": INNER}),
    ))
    .await;
    let answer = order_from(&url).await;
    answer.assert_problem(404, "unknown_item");
    assert!(!answer.text.contains(INNER));
}

#[tokio::test]
async fn insufficient_stock_is_conflict_and_reserves_nothing() {
    let unasked = async || -> StatusCode { panic!("reserved what is not there") };
    let check = async || Json(json!({"item_id": "item-123", "available": 1, "price_cents": 1}));
    let inventory = Router::new()
        .route("/check/item-123", get(check))
        .route("/reservations", post(unasked));
    let checkout = Checkout::with_inventory(&serve(inventory).await).await;
    let answer = checkout
        .order(&json!({"item_id": "item-123", "quantity": 2}))
        .await;
    answer.assert_problem(409, "out_of_stock");
}

#[tokio::test]
async fn reservation_may_fail_after_the_check_went_well() {
    for (reservation_status, reservation, status, code) in [
        (409, json!({"code": "out_of_stock"}), 409, "out_of_stock"),
        (404, json!({"code": "unknown_item"}), 404, "unknown_item"),
        (500, json!({"detail": INNER}), 502, "inventory_failed"),
        (503, json!({"detail": INNER}), 503, "inventory_unavailable"),
    ] {
        let check = async || Json(json!({"item_id": "item-123", "available": 5, "price_cents": 1}));
        let inventory =
            inventory_saying(reservation_status, reservation).route("/check/item-123", get(check));
        let answer = order_from(&serve(inventory).await).await;
        answer.assert_problem(status, code);
    }
}
