//! Reads the reservations from inventory's database.

use std::collections::HashMap;

use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::services::Services;

/// The initial stock of `item-123`.
const IN_STOCK: i64 = 1_000_000;

/// Order ids with the reserved quantities.
pub(crate) type Orders = HashMap<String, i64>;

/// Returns the reservations of `item-123` after asserting that they match the remaining stock.
pub(crate) async fn books(services: &Services) -> Orders {
    let options = SqliteConnectOptions::new().filename(services.database());
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    let mut snapshot = database.begin().await.unwrap();
    let (available,): (i64,) =
        sqlx::query_as("SELECT available FROM stock WHERE item_id = 'item-123'")
            .fetch_one(&mut *snapshot)
            .await
            .unwrap();
    let reserved: Vec<(String, i64)> = sqlx::query_as(
        "SELECT order_id, quantity FROM reservations WHERE item_id = 'item-123' AND quantity > 0",
    )
    .fetch_all(&mut *snapshot)
    .await
    .unwrap();
    let taken: i64 = reserved.iter().map(|(_, quantity)| quantity).sum();
    assert_eq!(IN_STOCK - available, taken, "taken and written down");
    let count = reserved.len();
    let reserved: Orders = reserved.into_iter().collect();
    assert_eq!(reserved.len(), count, "an order is reserved twice");
    reserved
}
