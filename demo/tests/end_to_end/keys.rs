//! Tests that an order repeated with the same `Idempotency-Key` is placed only once, even if checkout is killed before
//! it responds.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use serde_json::json;
use shared::task;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::books::books;
use crate::command::TIMEOUT;
use crate::services::{Answer, Services};

/// Returns a key that differs in each run.
fn key(number: u64) -> String {
    let chance = RandomState::new();
    let id = u128::from(chance.hash_one(number)) << 64 | u128::from(chance.hash_one(number));
    let hex = format!("{id:032x}");
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

fn order(services: &Services, key: &str, quantity: i64) -> reqwest::RequestBuilder {
    services
        .client
        .post(format!("{}/checkout", services.checkout.url))
        .header("idempotency-key", format!("\"{key}\""))
        .header("content-type", "application/json")
        .body(json!({"item_id": "item-123", "quantity": quantity}).to_string())
}

async fn answer(services: &Services, key: &str, quantity: i64) -> Answer {
    Answer::of(order(services, key, quantity).send().await.unwrap()).await
}

#[tokio::test]
async fn repeated_key_answers_same_order() {
    let services = Services::start().await;
    let key = key(1);
    // The stock is exactly the quantity of the order, so nothing is left for a repeated order.
    let options = SqliteConnectOptions::new().filename(services.database());
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("UPDATE stock SET available = 3 WHERE item_id = 'item-123'")
        .execute(&mut database)
        .await
        .unwrap();
    let answers = futures_util::join!(answer(&services, &key, 3), answer(&services, &key, 3));
    let later = answer(&services, &key, 3).await;
    for answer in [answers.0, answers.1, later] {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["order_id"], key);
        assert_eq!(answer.body["quantity"], 3);
        assert_eq!(answer.body["total_cents"], 3 * 1999);
    }
    let (left,): (i64,) = sqlx::query_as("SELECT available FROM stock WHERE item_id = 'item-123'")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(left, 0);

    let other = answer(&services, &key, 2).await;
    assert_eq!(other.status, 422, "{other:?}");
    assert_eq!(other.body["code"], "idempotency_key_reused");
    let sold_out = answer(&services, &self::key(2), 1).await;
    assert_eq!(sold_out.status, 409, "{sold_out:?}");
    assert_eq!(sold_out.body["code"], "out_of_stock");
}

#[tokio::test]
async fn repeated_keys_after_kills_place_each_order_once() {
    const ORDERS: usize = 20;
    let mut services = Services::start().await;
    let mut ordered = HashMap::new();
    let mut number = 0;
    // Runs at least five rounds, and more until the kill has cut off the response to a reserved order.
    let mut cut_off = 0;
    for round in 1..=100 {
        if round > 5 && cut_off > 0 {
            break;
        }
        let before = ordered.len();
        let keys: Vec<String> = (0..ORDERS)
            .map(|_| {
                number += 1;
                key(number)
            })
            .collect();
        let sent: Vec<_> = keys
            .iter()
            .map(|key| {
                let order = order(&services, key, 2);
                task::spawn(async move {
                    let response = order.send().await.ok()?;
                    response.bytes().await.ok()
                })
            })
            .collect();
        // Kills checkout at a random time between the first and the last reservation.
        let moment = usize::try_from(RandomState::new().hash_one(round)).unwrap() % ORDERS;
        let reserved = async {
            while books(&services).await.len() <= before + moment {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(TIMEOUT, reserved)
            .await
            .expect("orders are reserved in time");
        services.kill_checkout_and_start_it_again().await;
        let reserved = books(&services).await;
        for (key, sent) in keys.iter().zip(sent) {
            let is_answered = sent.await.unwrap().is_some();
            if !is_answered && reserved.contains_key(key) {
                cut_off += 1;
            }
            let mut repeated = answer(&services, key, 2).await;
            // On a busy machine, checkout's request to inventory may time out.
            while matches!(repeated.status, 503 | 504) {
                repeated = answer(&services, key, 2).await;
            }
            assert_eq!(repeated.status, 200, "{repeated:?}");
            assert_eq!(repeated.body["order_id"], *key);
            ordered.insert(key.clone(), 2);
        }
        assert_eq!(books(&services).await, ordered);
    }
    assert!(cut_off > 0, "no kill came between reservation and answer");
}
