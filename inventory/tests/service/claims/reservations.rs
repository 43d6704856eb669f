//! Tests of concurrent reservations: each is made once, and together they never exceed the stock.

use futures_util::future::join_all;
use serde_json::json;

use crate::service::{Service, count, execute};

const RARE: &str =
    "INSERT INTO stock (item_id, available, price_cents) VALUES ('item-rare', 100, 1)";

pub(crate) async fn reservation_takes_requested_quantity(database_url: &str) {
    let service = Service::start(database_url).await;

    let answer = service.reserve("order-1", "item-123", 100).await;
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.body,
        json!({"order_id": "order-1", "item_id": "item-123", "quantity": 100, "remaining": 999_900})
    );
    assert_eq!(service.available("item-123").await, 999_900);

    service.stop().await;
}

pub(crate) async fn more_than_there_is_takes_nothing(database_url: &str) {
    let service = Service::start(database_url).await;
    execute(database_url, RARE).await;

    assert_eq!(
        service.reserve("order-1", "item-rare", 60).await.status,
        201
    );
    let answer = service.reserve("order-2", "item-rare", 41).await;
    let detail = answer.problem(409, "out_of_stock");
    assert!(
        detail.contains("41") && detail.contains("item-rare"),
        "{detail}"
    );
    assert_eq!(service.available("item-rare").await, 40);
    // An order that was rejected may be repeated with a smaller quantity.
    assert_eq!(
        service.reserve("order-2", "item-rare", 40).await.status,
        201
    );
    assert_eq!(service.available("item-rare").await, 0);

    service.stop().await;
}

pub(crate) async fn repeated_order_gets_its_first_answer(database_url: &str) {
    let service = Service::start(database_url).await;

    let first = service.reserve("order-1", "item-123", 3).await;
    assert_eq!(first.status, 201);
    service.reserve("order-2", "item-123", 1).await;
    assert_eq!(service.reserve("order-1", "item-123", 3).await, first);
    assert_eq!(service.available("item-123").await, 999_996);

    service.stop().await;
}

pub(crate) async fn known_order_with_other_content_is_409(database_url: &str) {
    let service = Service::start(database_url).await;

    let first = service.reserve("order-1", "item-123", 3).await;
    for (item_id, quantity) in [
        ("item-123", 50),
        ("item-123", 2),
        ("item-slow", 3),
        ("item-sold-out", 3),
        ("item-404", 1),
    ] {
        let answer = service.reserve("order-1", item_id, quantity).await;
        let detail = answer.problem(409, "order_conflict");
        assert!(detail.contains("`order-1`"), "{detail}");
    }
    assert_eq!(service.reserve("order-1", "item-123", 3).await, first);
    assert_eq!(service.available("item-123").await, 999_997);
    assert_eq!(service.available("item-slow").await, 1_000_000);

    service.stop().await;
}

pub(crate) async fn released_order_returns_its_stock_once(database_url: &str) {
    let service = Service::start(database_url).await;

    service.reserve("order-1", "item-123", 3).await;
    service.reserve("order-2", "item-123", 1).await;
    for _ in 0..3 {
        assert_eq!(service.release("order-1").await.status, 204);
        assert_eq!(service.available("item-123").await, 999_999);
    }
    let answer = service.release("order%201").await;
    let detail = answer.problem(400, "invalid_request");
    assert!(detail.contains("order_id: must be "), "{detail}");

    service.stop().await;
}

pub(crate) async fn released_order_reserves_nothing_later(database_url: &str) {
    let service = Service::start(database_url).await;

    service.reserve("order-1", "item-123", 3).await;
    for order_id in ["order-1", "never-seen"] {
        assert_eq!(service.release(order_id).await.status, 204);
        let answer = service.reserve(order_id, "item-123", 3).await;
        answer.problem(409, "order_released");
    }
    assert_eq!(service.available("item-123").await, 1_000_000);

    service.stop().await;
}

pub(crate) async fn releases_beside_reservations_leave_stock_exact(database_url: &str) {
    let service = Service::start(database_url).await;

    let answers = join_all((0..60).map(async |n| {
        let order_id = format!("order-{}", n / 2);
        if n % 2 == 0 {
            service.reserve(&order_id, "item-123", 5).await
        } else {
            service.release(&order_id).await
        }
    }))
    .await;
    for answer in answers {
        // A deadlock between a reservation and a release is a 503, and the request may be repeated.
        assert!([201, 204, 409, 503].contains(&answer.status), "{answer:?}");
    }
    for n in 0..30 {
        assert_eq!(service.release(&format!("order-{n}")).await.status, 204);
    }
    assert_eq!(service.available("item-123").await, 1_000_000);

    service.stop().await;
}

pub(crate) async fn two_hundred_orders_for_a_hundred_give_exactly_a_hundred(database_url: &str) {
    let service = Service::start(database_url).await;
    execute(database_url, RARE).await;

    let answers = join_all((0..200).map(async |n| {
        let order_id = format!("order-{n}");
        service.reserve(&order_id, "item-rare", 1).await
    }))
    .await;

    let (reserved, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 201);
    for answer in refused {
        answer.problem(409, "out_of_stock");
    }
    let mut remaining: Vec<_> = reserved
        .iter()
        .map(|answer| answer.body["remaining"].as_i64().unwrap())
        .collect();
    remaining.sort_unstable();
    assert_eq!(remaining, (0..100).collect::<Vec<_>>());
    assert_eq!(service.available("item-rare").await, 0);

    service.stop().await;
}

pub(crate) async fn fifty_repeats_at_once_take_once_and_answer_the_same(database_url: &str) {
    let service = Service::start(database_url).await;

    let answers = join_all((0..50).map(|_| service.reserve("order-1", "item-123", 3))).await;

    for answer in &answers {
        assert_eq!(answer.status, 201);
        assert_eq!(answer, &answers[0]);
    }
    assert_eq!(service.available("item-123").await, 999_997);

    service.stop().await;
}

pub(crate) async fn one_order_for_two_items_at_once_takes_one(database_url: &str) {
    let service = Service::start(database_url).await;

    let items = ["item-123", "item-stuck"];
    let answers = join_all((0..50).map(|n| service.reserve("order-1", items[n % 2], 1))).await;

    let (reserved, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((reserved.len(), refused.len()), (25, 25), "{answers:?}");
    assert!(
        reserved.iter().all(|answer| answer == &reserved[0]),
        "{answers:?}"
    );
    for answer in refused {
        answer.problem(409, "order_conflict");
    }
    let taken = reserved[0].body["item_id"].as_str().unwrap();
    assert!(items.contains(&taken));
    let left = i64::from(taken != "item-123") + 999_999;
    assert_eq!(service.available("item-123").await, left);

    service.stop().await;
}

pub(crate) async fn services_that_start_together_share_one_stock(database_url: &str) {
    let services = join_all((0..4).map(|_| Service::start(database_url))).await;
    execute(database_url, RARE).await;

    let answers = join_all((0..200).map(async |n| {
        let order_id = format!("order-{n}");
        services[n % 4].reserve(&order_id, "item-rare", 1).await
    }))
    .await;

    let reserved = answers.iter().filter(|answer| answer.status == 201);
    let refused = answers.iter().filter(|answer| answer.status == 409);
    assert_eq!(
        (reserved.count(), refused.count()),
        (100, 100),
        "{answers:?}"
    );
    for service in services {
        assert_eq!(service.available("item-rare").await, 0);
        service.stop().await;
    }
}

pub(crate) async fn stock_and_reservations_outlive_a_restart(database_url: &str) {
    let service = Service::start(database_url).await;
    let first = service.reserve("order-1", "item-123", 5).await;
    service.stop().await;

    let service = Service::start(database_url).await;
    assert_eq!(service.available("item-123").await, 999_995);
    assert_eq!(service.reserve("order-1", "item-123", 5).await, first);
    assert_eq!(service.available("item-123").await, 999_995);
    service.stop().await;
}

pub(crate) async fn old_probe_row_is_removed_at_start(database_url: &str) {
    let service = Service::start(database_url).await;
    assert_eq!(service.reserve("order-1", "item-123", 1).await.status, 201);
    service.stop().await;
    let row = "INSERT INTO reservations VALUES ('', '   ', 0, 0)";
    execute(database_url, row).await;

    let service = Service::start(database_url).await;
    assert_eq!(
        count(database_url, "SELECT COUNT(*) FROM reservations").await,
        1
    );
    assert_eq!(service.available("item-123").await, 999_999);
    service.stop().await;
}
