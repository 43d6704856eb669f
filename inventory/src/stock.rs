//! The domain: stock and reservations, without HTTP. Queries go through `database`.
//!
//! Each query has its own CLIENT span, created by [`shared::database`].

use std::time::Duration;

use serde::Serialize;
use shared::database::Statement;

use crate::config::Config;
use crate::database::{self, OpenError, Pool};
use crate::order::{ItemId, Order, OrderId};

const SELECT_ITEM: Statement = Statement {
    operation: "SELECT",
    collection: "stock",
    text: "SELECT available, price_cents, warehouse_latency_ms FROM stock WHERE item_id = $1",
};

/// Reduces the stock by the order's quantity, if enough is left and the order has no reservation. This is a single
/// statement, so no other order can interleave. A trigger (`sql/`) records the reservation.
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

/// Releases the reservation of an order. A trigger (`sql/`) returns the quantity to the stock. An order without a
/// reservation gets a row too, so that a reservation that arrives later violates the primary key.
const RELEASE: Statement = Statement {
    operation: "INSERT",
    collection: "reservations",
    text: "INSERT INTO reservations (order_id, item_id, quantity, remaining) VALUES ($1, '', 0, 0) \
           ON CONFLICT (order_id) DO UPDATE SET quantity = 0 WHERE reservations.quantity > 0 \
           RETURNING item_id",
};

/// The quantity that marks a reservation as released.
const RELEASED: i64 = 0;

/// The stock of every item, and the reservations of orders.
pub(crate) struct Stock {
    pool: Pool,
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

/// The reservation of one order.
#[derive(Debug, Serialize)]
pub(crate) struct Reservation {
    order_id: OrderId,
    item_id: String,
    quantity: i64,
    remaining: i64,
}

/// The reason why a query failed or a reservation was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StockError {
    #[error("there is no item `{0}`")]
    UnknownItem(ItemId),
    #[error("fewer than {quantity} of `{item_id}` are left")]
    OutOfStock { item_id: ItemId, quantity: i64 },
    #[error("order `{0}` has a reservation of another item or quantity")]
    OtherOrder(OrderId),
    #[error("order `{0}` was released")]
    Released(OrderId),
    #[error("the database is unavailable")]
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
    pub(crate) async fn open(config: &Config) -> Result<Self, OpenError> {
        let pool = database::open(
            &config.database_url,
            config.database_max_connections,
            config.database_timeout,
        );
        Ok(Self { pool: pool.await? })
    }

    /// Waits for the queries in flight and closes the database.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// Checks that the database answers and accepts writes. Creates no span.
    pub(crate) async fn check_ready(&self) -> Result<(), &'static str> {
        self.pool.check_ready().await
    }

    /// Returns an item with its stock, after the item's warehouse has confirmed it.
    pub(crate) async fn check(&self, item_id: &ItemId) -> Result<Item, StockError> {
        let item = self.item(item_id).await?;
        tokio::time::sleep(item.warehouse_latency).await;
        Ok(item)
    }

    /// Reserves the order's quantity once. A repeated request for an order returns the same reservation.
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
            // A concurrent request for the same order has made the reservation first.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {}
            Err(error) => return Err(error.into()),
        }

        if let Some(reservation) = self.reservation(&order.id).await? {
            return if reservation.quantity == RELEASED {
                Err(StockError::Released(order.id.clone()))
            } else if reservation.is_of(order) {
                Ok(reservation)
            } else {
                Err(StockError::OtherOrder(order.id.clone()))
            };
        }
        let item = self.item(&order.item_id).await?;
        Err(StockError::OutOfStock {
            item_id: item.id,
            quantity: order.quantity.get(),
        })
    }

    /// Returns the order's reservation to the stock, once. The order cannot reserve afterwards, so a reservation
    /// request that is still in flight takes no stock.
    pub(crate) async fn release(&self, order_id: &OrderId) -> Result<(), StockError> {
        let query = sqlx::query_as(RELEASE.text).bind(order_id.as_str());
        let rows: Vec<(String,)> = self.pool.fetch_all(&RELEASE, query).await?;
        if let Some((item_id,)) = rows.first().filter(|(item_id,)| !item_id.is_empty()) {
            tracing::info!(%order_id, item_id, "released");
        }
        Ok(())
    }

    async fn take(&self, order: &Order) -> Result<Option<Reservation>, sqlx::Error> {
        let query = sqlx::query_as(TAKE.text)
            .bind(order.quantity.get())
            .bind(order.id.as_str())
            .bind(order.item_id.as_str());
        let rows: Vec<(i64,)> = self.pool.fetch_all(&TAKE, query).await?;
        Ok(rows.first().map(|&(remaining,)| Reservation {
            order_id: order.id.clone(),
            item_id: order.item_id.to_string(),
            quantity: order.quantity.get(),
            remaining,
        }))
    }

    async fn reservation(&self, order_id: &OrderId) -> Result<Option<Reservation>, sqlx::Error> {
        let query = sqlx::query_as(SELECT_RESERVATION.text).bind(order_id.as_str());
        let mut rows: Vec<(String, i64, i64)> =
            self.pool.fetch_all(&SELECT_RESERVATION, query).await?;
        Ok(rows
            .pop()
            .map(|(item_id, quantity, remaining)| Reservation {
                order_id: order_id.clone(),
                item_id,
                quantity,
                remaining,
            }))
    }

    /// # Panics
    ///
    /// Panics if the item's stock is negative.
    async fn item(&self, item_id: &ItemId) -> Result<Item, StockError> {
        let query = sqlx::query_as(SELECT_ITEM.text).bind(item_id.as_str());
        let mut rows: Vec<(i64, i64, i64)> = self.pool.fetch_all(&SELECT_ITEM, query).await?;
        let (available, price_cents, latency_ms) = rows
            .pop()
            .ok_or_else(|| StockError::UnknownItem(item_id.clone()))?;
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

impl Reservation {
    fn is_of(&self, order: &Order) -> bool {
        self.item_id == order.item_id.as_str() && self.quantity == order.quantity.get()
    }
}
