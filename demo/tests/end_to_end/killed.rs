//! Kills services and disconnects callers during orders. Afterwards, the reserved stock must match the placed orders.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use shared::task;
use tokio::sync::mpsc;

use crate::books::{Orders, books};
use crate::command::TIMEOUT;
use crate::services::{Answer, Services};

const CUSTOMERS: u64 = 32;
const KILLS: u64 = 10;

/// The confirmed orders, with their quantities.
type Confirmed = Orders;

struct Load {
    client: reqwest::Client,
    url: String,
    confirmed: AtomicUsize,
    enough: AtomicBool,
}

impl Load {
    /// Sends orders one after the other until `enough` is set.
    async fn customer(&self, quantity: i64) -> Confirmed {
        let mut confirmed = Confirmed::new();
        while !self.enough.load(Ordering::Relaxed) {
            let order = json!({"item_id": "item-123", "quantity": quantity}).to_string();
            let request = self.client.post(&self.url).body(order);
            let request = request.header("content-type", "application/json");
            let answer = Answer::of(request.send().await.unwrap()).await;
            match answer.status {
                200 => {
                    let order_id = answer.body["order_id"].as_str().unwrap().to_owned();
                    assert_eq!(confirmed.insert(order_id, quantity), None);
                    self.confirmed.fetch_add(1, Ordering::Relaxed);
                }
                503 | 504 => {}
                _ => panic!("neither confirmed nor unavailable: {answer:?}"),
            }
        }
        confirmed
    }

    /// Waits until this number of additional orders is confirmed.
    async fn goes_on(&self, more: usize) {
        let enough = self.confirmed.load(Ordering::Relaxed) + more;
        let confirmed = async {
            let mut poll = tokio::time::interval(Duration::from_millis(1));
            while self.confirmed.load(Ordering::Relaxed) < enough {
                poll.tick().await;
            }
        };
        tokio::time::timeout(TIMEOUT, confirmed)
            .await
            .expect("orders are confirmed in time");
    }
}

#[tokio::test]
async fn confirmed_orders_alone_hold_stock_after_kill() {
    let mut services = Services::start().await;
    let load = Arc::new(Load {
        client: services.client.clone(),
        url: format!("{}/checkout", services.checkout.url),
        confirmed: AtomicUsize::new(0),
        enough: AtomicBool::new(false),
    });
    let customers: Vec<_> = (1..)
        .take(usize::try_from(CUSTOMERS).unwrap())
        .map(|quantity| {
            let load = Arc::clone(&load);
            task::spawn(async move { load.customer(quantity).await })
        })
        .collect();
    let chance = RandomState::new();
    for kill in 0..KILLS {
        let moment = usize::try_from(chance.hash_one(kill) % 40).unwrap();
        load.goes_on(1 + moment).await;
        services.kill_inventory_and_start_it_again().await;
    }
    load.goes_on(20).await;
    load.enough.store(true, Ordering::Relaxed);
    let mut confirmed = Confirmed::new();
    for customer in customers {
        confirmed.extend(customer.await.unwrap());
    }
    assert_eq!(confirmed.len(), load.confirmed.load(Ordering::Relaxed));

    // Tasks of checkout release the reservations of orders that were answered with 503 or 504.
    let agree = async {
        let mut poll = tokio::time::interval(Duration::from_millis(50));
        while books(&services).await != confirmed {
            poll.tick().await;
        }
    };
    if tokio::time::timeout(TIMEOUT, agree).await.is_err() {
        assert_eq!(books(&services).await, confirmed);
    }
}

#[tokio::test]
async fn confirmed_orders_keep_stock_when_checkout_is_killed() {
    const ORDERS: usize = 20;
    let mut services = Services::start().await;
    let mut confirmed = Confirmed::new();
    for kill in 1..=5 {
        let (answers, mut answered) = mpsc::unbounded_channel();
        for _ in 0..ORDERS {
            let url = format!("{}/checkout", services.checkout.url);
            let order = services.client.post(url);
            let order = order.json(&json!({"item_id": "item-123", "quantity": kill}));
            let answers = answers.clone();
            drop(task::spawn(async move {
                if let Ok(response) = order.send().await
                    && let Ok(answer) = response.json::<Value>().await
                {
                    answers.send(answer).unwrap();
                }
            }));
        }
        drop(answers);
        let first = answered.recv().await.expect("an order is answered");
        services.kill_checkout_and_start_it_again().await;
        let mut answers = vec![first];
        while let Some(answer) = answered.recv().await {
            answers.push(answer);
        }
        for answer in answers {
            let order_id = answer["order_id"].as_str().unwrap().to_owned();
            confirmed.insert(order_id, kill);
        }
    }
    let reserved = books(&services).await;
    for (order_id, quantity) in &confirmed {
        assert_eq!(reserved.get(order_id), Some(quantity), "{order_id}");
    }
}

#[tokio::test]
async fn disconnected_callers_leave_no_reservation_without_order() {
    let mut services = Services::start().await;
    let chance = RandomState::new();
    let callers: Vec<_> = (0..100)
        .map(|caller| {
            let url = format!("{}/checkout", services.checkout.url);
            let order = services.client.post(url);
            let order = order.json(&json!({"item_id": "item-123", "quantity": 100}));
            let patience = Duration::from_millis(5 + chance.hash_one(caller) % 46);
            task::spawn(async move { drop(tokio::time::timeout(patience, order.send()).await) })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    // Checkout exits when the tasks that place the orders have ended.
    services.checkout.terminate();
    services.checkout.exited().await;
    services
        .checkout
        .log(|line| line["message"] == "stopped")
        .await;
    let reserved = books(&services).await;
    assert!(reserved.values().all(|quantity| *quantity == 100));
    assert_eq!(reserved.len(), services.checkout.count("order placed"));
    assert_eq!(reserved.len(), services.checkout.count("receipt sent"));
}
