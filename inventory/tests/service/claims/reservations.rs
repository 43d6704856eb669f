//! What is taken, once and never more than there is, whatever runs beside it.

use futures_util::future::join_all;
use serde_json::json;

use crate::service::{Service, execute};

const RARE: &str =
    "INSERT INTO stock (item_id, available, price_cents) VALUES ('item-rare', 100, 1)";

pub(crate) async fn reservation_takes_what_it_says(database_url: &str) {
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
    // An order that got nothing may come again for less.
    assert_eq!(
        service.reserve("order-2", "item-rare", 40).await.status,
        201
    );
    assert_eq!(service.available("item-rare").await, 0);

    service.stop().await;
}

pub(crate) async fn order_that_comes_again_gets_its_first_answer(database_url: &str) {
    let service = Service::start(database_url).await;

    let first = service.reserve("order-1", "item-123", 3).await;
    assert_eq!(first.status, 201);
    service.reserve("order-2", "item-123", 1).await;
    for (item_id, quantity) in [("item-123", 3), ("item-123", 50), ("item-404", 1)] {
        assert_eq!(service.reserve("order-1", item_id, quantity).await, first);
    }
    assert_eq!(service.available("item-123").await, 999_996);

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

    assert!(
        answers.iter().all(|answer| answer == &answers[0]),
        "{answers:?}"
    );
    let taken = answers[0].body["item_id"].as_str().unwrap();
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
