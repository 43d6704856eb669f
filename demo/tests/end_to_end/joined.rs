//! Tests that a request has one trace id in the response, in both logs and in the spans of both services.

use std::collections::{HashMap, HashSet};

use viewer::attributes;

use crate::services::{Services, row, tree};

const SUCCESS: &str = "\
checkout SERVER POST /checkout
  checkout INTERNAL place_order
    checkout CLIENT GET /check/{item_id}
      inventory SERVER GET /check/{item_id}
        inventory CLIENT SELECT stock
    checkout INTERNAL charge_payment
    checkout CLIENT POST /reservations
      inventory SERVER POST /reservations
        inventory CLIENT UPDATE stock
    checkout INTERNAL send_receipt
";

const PANIC: &str = "\
checkout SERVER POST /checkout [error: inventory_failed]
  checkout INTERNAL place_order [error: inventory_failed]
    checkout CLIENT GET /check/{item_id} [error: 500]
      inventory SERVER GET /check/{item_id} [error: panic]
        inventory CLIENT SELECT stock
";

#[tokio::test]
async fn successful_checkout_is_one_joined_trace() {
    let services = Services::start().await;
    let answer = services.checkout(r#"{"item_id":"item-123"}"#).await;
    assert_eq!(answer.status, 200, "{answer:?}");

    let trace = services.trace(answer.trace_id(), 10).await;
    assert_eq!(tree(&trace), SUCCESS);
    assert!(trace.is_joined());

    let server = row(&trace, "checkout", "POST /checkout");
    let receipt = row(&trace, "checkout", "send_receipt");
    let end = |row: &viewer::waterfall::Row| row.span.span.end_time_unix_nano;
    assert!(
        end(receipt) > end(server),
        "the receipt outlives the answer"
    );
}

#[tokio::test]
async fn resource_has_version_and_instance_id() {
    let services = Services::start().await;
    let answer = services.checkout(r#"{"item_id":"item-123"}"#).await;
    let trace = services.trace(answer.trace_id(), 10).await;
    let of = |service: &str, name: &str, key: &str| {
        let resource = row(&trace, service, name)
            .span
            .source
            .resource
            .as_ref()
            .unwrap();
        attributes::find(&resource.attributes, key).unwrap()
    };
    let of_both = |key| {
        [
            of("checkout", "POST /checkout", key),
            of("inventory", "POST /reservations", key),
        ]
    };
    assert_eq!(of_both("service.version"), [env!("CARGO_PKG_VERSION"); 2]);
    let [checkout, inventory] = of_both("service.instance.id");
    assert_ne!(checkout, inventory);
    assert_eq!(
        checkout,
        of("checkout", "send_receipt", "service.instance.id")
    );
}

#[tokio::test]
async fn inventory_panic_shares_trace_with_checkout_failure() {
    let services = Services::start().await;
    let answer = services.checkout(r#"{"item_id":"item-corrupt"}"#).await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (502, &"inventory_failed".into())
    );
    let trace_id = answer.trace_id();

    let trace = services.trace(trace_id, 5).await;
    assert_eq!(tree(&trace), PANIC);
    let panicked = &row(&trace, "inventory", "GET /check/{item_id}").span.span;
    let [exception] = panicked.events.as_slice() else {
        panic!("one event: {:?}", panicked.events)
    };
    assert_eq!(exception.name, "exception");
    let attribute = |key| attributes::find(&exception.attributes, key).unwrap();
    assert!(attribute("exception.message").contains("stock of `item-corrupt` is -1"));
    assert!(
        attribute("exception.stacktrace").contains("stock.rs:"),
        "it says where"
    );

    let in_inventory = services
        .inventory
        .log(|line| line["trace_id"] == trace_id && line["message"] == "panicked")
        .await;
    assert_eq!(in_inventory["service"], "inventory");
    assert_eq!(in_inventory["level"], "ERROR");
    assert_eq!(in_inventory["span_id"], attributes::hex(&panicked.span_id));
    let in_checkout = services
        .checkout
        .log(|line| line["trace_id"] == trace_id && line["level"] == "ERROR")
        .await;
    assert_eq!(in_checkout["code"], "inventory_failed");

    let next = services.checkout(r#"{"item_id":"item-123"}"#).await;
    assert_eq!(next.status, 200, "inventory lives on: {next:?}");
}

#[tokio::test]
async fn timeout_cancels_work_in_inventory() {
    let services = Services::start().await;
    let answer = services.checkout(r#"{"item_id":"item-stuck"}"#).await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (504, &"inventory_timeout".into())
    );

    let trace = services.trace(answer.trace_id(), 5).await;
    let stuck = row(&trace, "inventory", "GET /check/{item_id}");
    assert_eq!(
        stuck.error(),
        None,
        "a caller who leaves is no error of inventory"
    );
    assert_eq!(stuck.span.span.events[0].name, "request.abandoned");
    let gave_up = row(&trace, "checkout", "GET /check/{item_id}");
    assert_eq!(gave_up.error().as_deref(), Some("timeout"));
    let seconds = std::time::Duration::from_nanos(stuck.duration()).as_secs_f64();
    assert!(
        (1.5..25.0).contains(&seconds),
        "2 s and not 30 s: {seconds}"
    );
}

#[tokio::test]
async fn valid_caller_trace_continues_and_invalid_restarts() {
    let services = Services::start().await;
    let order = r#"{"item_id":"item-123"}"#;
    let json = ("content-type", "application/json");

    let caller = (
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    );
    let answer = services.post(order, &[json, caller]).await;
    assert_eq!(answer.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    let trace = services.trace(answer.trace_id(), 10).await;
    let server = &row(&trace, "checkout", "POST /checkout").span;
    assert_eq!(
        server.parent.map(|id| attributes::hex(&id)).as_deref(),
        Some("00f067aa0ba902b7")
    );

    for invalid in [
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "nonsense",
    ] {
        let answer = services
            .post(order, &[json, ("traceparent", invalid)])
            .await;
        assert_ne!(
            answer.trace_id(),
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "{invalid}"
        );
        let trace = services.trace(answer.trace_id(), 10).await;
        assert!(trace.is_joined(), "{invalid}:\n{}", tree(&trace));
    }
}

#[tokio::test]
async fn fifty_concurrent_checkouts_stay_separate() {
    let services = std::sync::Arc::new(Services::start().await);
    let mut checkouts = tokio::task::JoinSet::new();
    for quantity in 1..=50 {
        let services = std::sync::Arc::clone(&services);
        #[expect(
            clippy::disallowed_methods,
            reason = "fifty callers from outside, with no trace of their own"
        )]
        checkouts.spawn(async move {
            let body = format!(r#"{{"item_id":"item-123","quantity":{quantity}}}"#);
            let answer = services.checkout(&body).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let order_id = answer.body["order_id"].as_str().unwrap().to_owned();
            (answer.trace_id().to_owned(), order_id)
        });
    }
    let orders: HashMap<String, String> = checkouts.join_all().await.into_iter().collect();
    assert_eq!(orders.len(), 50, "fifty trace ids");

    for (trace_id, order_id) in &orders {
        let trace = services.trace(trace_id, 10).await;
        assert_eq!(tree(&trace), SUCCESS);
        let ids: HashSet<String> = trace
            .rows
            .iter()
            .filter_map(|row| attributes::find(&row.span.span.attributes, "shop.order.id"))
            .collect();
        assert_eq!(
            ids,
            HashSet::from([order_id.clone()]),
            "every span is of this order"
        );
    }
    assert_eq!(services.traces().len(), 50);
}

#[tokio::test]
async fn health_checks_and_page_are_not_traced() {
    let services = Services::start().await;
    for (url, paths) in [
        (&services.checkout.url, &["/healthz", "/readyz", "/"][..]),
        (&services.inventory.url, &["/healthz", "/readyz"]),
    ] {
        for path in paths {
            let response = services
                .client
                .get(format!("{url}{path}"))
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), 200);
            assert!(!response.headers().contains_key("traceresponse"));
        }
    }
    let answer = services.checkout(r#"{"item_id":"item-123"}"#).await;
    services.trace(answer.trace_id(), 10).await;
    assert_eq!(services.traces().len(), 1, "the checkout's, and no other");
}
