//! The domain: what is in stock, and taking it. No HTTP here; the way on is down, to `database`.
//!
//! Each query is a CLIENT span of its own, made by [`shared::database`].

use std::time::Duration;

use serde::Serialize;
use shared::database::{Database, Statement};
use sqlx::AnyPool;

use crate::database::{self, DatabaseUrl, OpenError};
use crate::order::{ItemId, Order, OrderId};

const SELECT_ITEM: Statement = Statement {
    operation: "SELECT",
    collection: "stock",
    text: "SELECT available, price_cents, warehouse_latency_ms FROM stock WHERE item_id = $1",
};

/// Takes what an order asks for, if that much is there and the order has not taken it before. One statement, so nothing
/// comes between the question and the taking; its trigger (`sql/`) writes the reservation down.
const TAKE: Statement = Statement {
    operation: "UPDATE",
    collection: "stock",
    text: "UPDATE stock SET available = available - $1, last_order_id = $2 \
           WHERE item_id = $3 AND available >= $1 \
           AND NOT EXISTS (SELECT 1 FROM reservations WHERE order_id = $2) \
           RETURNING available",
};

const SELECT_RESERVATION: Statement = Statement {
    operation: "SELECT",
    collection: "reservations",
    text: "SELECT item_id, quantity, remaining FROM reservations WHERE order_id = $1",
};

/// The stock of every item, and its reservations.
pub(crate) struct Stock {
    pool: AnyPool,
    database: Database,
}

/// One item of the catalogue.
#[derive(Debug, Serialize)]
pub(crate) struct Item {
    #[serde(rename = "item_id")]
    id: ItemId,
    available: i64,
    price_cents: i64,
    #[serde(skip)]
    warehouse_latency: Duration,
}

/// What one order holds.
#[derive(Debug, Serialize)]
pub(crate) struct Reservation {
    order_id: OrderId,
    item_id: String,
    quantity: i64,
    remaining: i64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StockError {
    #[error("there is no item `{0}`")]
    UnknownItem(ItemId),
    #[error("fewer than {quantity} of `{item_id}` are left")]
    OutOfStock { item_id: ItemId, quantity: i64 },
    #[error("the database cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StockError {
    fn from(error: sqlx::Error) -> Self {
        if database::is_unavailable(&error) {
            Self::Unavailable(error)
        } else {
            Self::Database(error)
        }
    }
}

impl Stock {
    pub(crate) async fn open(url: &DatabaseUrl) -> Result<Self, OpenError> {
        Ok(Self {
            pool: database::open(url).await?,
            database: url.traced(),
        })
    }

    /// Waits for the queries in flight and closes the database.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// Whether the database answers now. Leaves no span.
    pub(crate) async fn is_ready(&self) -> bool {
        let asked = sqlx::query("SELECT 1 FROM stock LIMIT 1").execute(&self.pool);
        matches!(
            tokio::time::timeout(Duration::from_secs(1), asked).await,
            Ok(Ok(_))
        )
    }

    /// What is in stock of an item, as its warehouse confirms.
    pub(crate) async fn check(&self, item_id: &ItemId) -> Result<Item, StockError> {
        let item = self.item(item_id).await?;
        tokio::time::sleep(item.warehouse_latency).await;
        Ok(item)
    }

    /// Reserves what the order asks for, once: an order that comes again gets the first answer again.
    pub(crate) async fn reserve(&self, order: &Order) -> Result<Reservation, StockError> {
        match self.take(order).await {
            Ok(Some(reservation)) => {
                tracing::info!(
                    order_id = %order.id,
                    item_id = %order.item_id,
                    quantity = order.quantity.get(),
                    remaining = reservation.remaining,
                    "reserved"
                );
                return Ok(reservation);
            }
            Ok(None) => {}
            // The same order was here at the same moment, and first.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {}
            Err(error) => return Err(error.into()),
        }

        if let Some(reservation) = self.reservation(&order.id).await? {
            return Ok(reservation);
        }
        let item = self.item(&order.item_id).await?;
        Err(StockError::OutOfStock {
            item_id: item.id,
            quantity: order.quantity.get(),
        })
    }

    async fn take(&self, order: &Order) -> Result<Option<Reservation>, sqlx::Error> {
        // `fetch_all`, because `fetch_optional` returns with the row, before the statement has ended and is committed.
        let query = sqlx::query_as(TAKE.text)
            .bind(order.quantity.get())
            .bind(order.id.as_str())
            .bind(order.item_id.as_str())
            .fetch_all(&self.pool);
        let rows: Vec<(i64,)> = self
            .database
            .query(&TAKE, database::query_error, query)
            .await?;
        Ok(rows.first().map(|&(remaining,)| Reservation {
            order_id: order.id.clone(),
            item_id: order.item_id.to_string(),
            quantity: order.quantity.get(),
            remaining,
        }))
    }

    async fn reservation(&self, order_id: &OrderId) -> Result<Option<Reservation>, sqlx::Error> {
        let query = sqlx::query_as(SELECT_RESERVATION.text)
            .bind(order_id.as_str())
            .fetch_optional(&self.pool);
        let row: Option<(String, i64, i64)> = self
            .database
            .query(&SELECT_RESERVATION, database::query_error, query)
            .await?;
        Ok(row.map(|(item_id, quantity, remaining)| Reservation {
            order_id: order_id.clone(),
            item_id,
            quantity,
            remaining,
        }))
    }

    /// # Panics
    ///
    /// The item's row says that less than nothing is there.
    async fn item(&self, item_id: &ItemId) -> Result<Item, StockError> {
        let query = sqlx::query_as(SELECT_ITEM.text)
            .bind(item_id.as_str())
            .fetch_optional(&self.pool);
        let row: Option<(i64, i64, i64)> = self
            .database
            .query(&SELECT_ITEM, database::query_error, query)
            .await?;
        let (available, price_cents, latency_ms) =
            row.ok_or_else(|| StockError::UnknownItem(item_id.clone()))?;
        assert!(
            available >= 0,
            "stock of `{item_id}` is {available}: a reservation never takes more than there is"
        );
        Ok(Item {
            id: item_id.clone(),
            available,
            price_cents,
            warehouse_latency: Duration::from_millis(latency_ms.unsigned_abs()),
        })
    }
}
