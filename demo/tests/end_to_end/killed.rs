//! Inventory is killed again and again while orders come in: what it has given away and what it has written down agree.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use shared::task;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::command::TIMEOUT;
use crate::services::{Answer, Services};

const CUSTOMERS: u64 = 32;
const KILLS: u64 = 10;
/// What the catalogue begins with.
const IN_STOCK: i64 = 1_000_000;

/// The orders that were confirmed, with their quantities.
type Confirmed = HashMap<String, i64>;

struct Load {
    client: reqwest::Client,
    url: String,
    confirmed: AtomicUsize,
    enough: AtomicBool,
}

impl Load {
    /// Orders one thing after the other until it is enough.
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

    /// Waits until so many more orders are confirmed.
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
async fn stock_and_reservations_agree_after_inventory_was_killed_at_any_moment() {
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

    let options = SqliteConnectOptions::new().filename(services.database());
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    let (available,): (i64,) =
        sqlx::query_as("SELECT available FROM stock WHERE item_id = 'item-123'")
            .fetch_one(&mut database)
            .await
            .unwrap();
    let reserved: Vec<(String, i64)> =
        sqlx::query_as("SELECT order_id, quantity FROM reservations WHERE item_id = 'item-123'")
            .fetch_all(&mut database)
            .await
            .unwrap();
    let taken: i64 = reserved.iter().map(|(_, quantity)| quantity).sum();
    assert_eq!(IN_STOCK - available, taken, "taken and written down");
    let count = reserved.len();
    let reserved: Confirmed = reserved.into_iter().collect();
    assert_eq!(reserved.len(), count, "an order is reserved twice");
    for (order_id, quantity) in &confirmed {
        assert_eq!(reserved.get(order_id), Some(quantity), "{order_id}");
    }
}
