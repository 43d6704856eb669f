//! The domain: the rules of an order and the steps of placing one, without HTTP. An order continues in
//! [`inventory`](crate::inventory), then in [`receipt`](crate::receipt).

use std::sync::Arc;
use std::time::Duration;

use shared::task::TaskError;
use uuid::Uuid;

use crate::inventory::{Inventory, InventoryError, Reservation};
use crate::{receipt, settle};

const MAX_ITEM_ID_CHARS: usize = 64;
const MAX_QUANTITY: u32 = 100;

/// Duration of a payment at the simulated payment provider.
const PAYMENT_LATENCY: Duration = Duration::from_millis(20);

/// A valid order. [`Order::new`] checks the rules.
#[derive(Debug)]
pub(crate) struct Order {
    id: Uuid,
    /// Whether the caller chose the id of the order, and may therefore repeat the request.
    is_repeatable: bool,
    item_id: String,
    quantity: u32,
}

/// An order that has been placed and paid.
#[derive(Debug)]
pub(crate) struct PlacedOrder {
    pub(crate) order: Order,
    pub(crate) total_cents: i64,
}

/// The reason why an order was not placed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderError {
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    #[error("the task that places the order did not finish")]
    Task(#[from] TaskError),
}

/// A value of an order violates the rule of its field.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidOrder {
    #[error(
        "item_id must be 1 to {MAX_ITEM_ID_CHARS} characters, none of them a control character"
    )]
    ItemId,
    #[error("item_id must not be `{0}`")]
    ItemIdIsPath(String),
    #[error("quantity is {0}, but must be from 1 to {MAX_QUANTITY}")]
    Quantity(i64),
    #[error("Idempotency-Key must be one UUID that is not nil")]
    IdempotencyKey,
}

impl Order {
    /// Validates an order. The idempotency key, if there is one, becomes the id of the order.
    pub(crate) fn new(
        key: Option<Uuid>,
        item_id: String,
        quantity: i64,
    ) -> Result<Self, InvalidOrder> {
        let is_sized = (1..=MAX_ITEM_ID_CHARS).contains(&item_id.chars().count());
        if !is_sized || item_id.contains(char::is_control) {
            return Err(InvalidOrder::ItemId);
        }
        // No URL can contain the item ids `.` and `..` as a path segment, even percent-encoded: they would request
        // another path.
        if matches!(item_id.as_str(), "." | "..") {
            return Err(InvalidOrder::ItemIdIsPath(item_id));
        }
        let quantity = u32::try_from(quantity)
            .ok()
            .filter(|quantity| (1..=MAX_QUANTITY).contains(quantity))
            .ok_or(InvalidOrder::Quantity(quantity))?;
        Ok(Self {
            // A version 7 UUID begins with the time, so orders sort by age.
            id: key.unwrap_or_else(Uuid::now_v7),
            is_repeatable: key.is_some(),
            item_id,
            quantity,
        })
    }

    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    pub(crate) fn item_id(&self) -> &str {
        &self.item_id
    }

    pub(crate) fn quantity(&self) -> u32 {
        self.quantity
    }

    fn reservation(&self) -> Reservation<'_> {
        Reservation {
            order_id: self.id,
            item_id: &self.item_id,
            quantity: self.quantity,
        }
    }
}

/// Places an order: checks the stock, charges, reserves, and spawns a task that sends the receipt.
///
/// The reservation is the last step, because the order exists, for inventory and for the customer, once it is reserved.
/// A reservation is therefore always paid, even if a process is killed at any moment.
///
/// # Errors
///
/// The order was not placed. If inventory may nevertheless have reserved stock for the order, a task [`settle`]s it.
#[tracing::instrument(
    skip_all,
    fields(
        shop.order.id = %order.id,
        shop.item.id = order.item_id,
        // The quantity is an i64, because wider unsigned numbers become strings on the span.
        shop.order.quantity = i64::from(order.quantity),
    )
)]
pub(crate) async fn place_order(
    inventory: &Arc<Inventory>,
    order: Order,
) -> Result<PlacedOrder, OrderError> {
    let placed = check_and_commit(inventory, order).await;
    match &placed {
        // "Sold out" is an expected answer. Only a failed call marks the span as failed, so that failed spans mean
        // faults.
        Err(OrderError::Inventory(error)) if error.is_failure() => {
            shared::span::fail(error.code(), error.to_string());
        }
        Err(error @ OrderError::Task(_)) => shared::span::fail("task", error.to_string()),
        Ok(_) | Err(OrderError::Inventory(_)) => {}
    }
    placed
}

async fn check_and_commit(
    inventory: &Arc<Inventory>,
    order: Order,
) -> Result<PlacedOrder, OrderError> {
    let item = inventory.check(&order.item_id).await?;
    // A repeated order may have taken the last pieces itself, so a low stock does not reject it: only the reservation
    // decides.
    if !order.is_repeatable && item.available < order.quantity.into() {
        return Err(InventoryError::OutOfStock.into());
    }
    let total_cents = i64::from(item.price_cents) * i64::from(order.quantity);
    // The commit runs in a task, because the caller may disconnect at any moment, and an order must not stop halfway.
    // Shutdown waits for the task.
    let commit = shared::task::spawn(commit(Arc::clone(inventory), order, total_cents));
    Ok(commit.await??)
}

/// Charges and reserves. Once this has started, the order is placed or rejected, even if its caller disconnects.
async fn commit(
    inventory: Arc<Inventory>,
    order: Order,
    total_cents: i64,
) -> Result<PlacedOrder, InventoryError> {
    charge_payment(order.id, total_cents).await;
    // Other orders may have taken the stock since the check, so only the reservation decides.
    match inventory.reserve(&order.reservation()).await {
        Ok(()) => {
            confirm(&order);
            Ok(PlacedOrder { order, total_cents })
        }
        Err(error) => {
            let error = match error {
                // Checkout has just created the id of this order, so inventory cannot have received it before.
                InventoryError::OtherOrder | InventoryError::Released if !order.is_repeatable => {
                    InventoryError::OtherAnswer
                }
                error => error,
            };
            if error.is_failure() {
                settle(inventory, order);
            }
            Err(error)
        }
    }
}

/// Spawns a task that finishes the order if the caller may repeat it, and releases it otherwise. An order that a task of
/// this process is settling already gets no second task.
fn settle(inventory: Arc<Inventory>, order: Order) {
    let Some(claim) = settle::Claim::of(order.id) else {
        return;
    };
    let settled = async move {
        if !order.is_repeatable {
            settle::release_order(inventory, order.id).await;
        } else if settle::finish_order(&inventory, &order.reservation()).await {
            confirm(&order);
        }
        drop(claim);
    };
    drop(shared::task::spawn(settled));
}

/// Logs a reserved order as placed, and spawns the task that sends its receipt. A repeated order is logged again and
/// gets another receipt.
fn confirm(order: &Order) {
    tracing::info!(order_id = %order.id, item_id = order.item_id, "order placed");
    // The receipt task is not awaited: the response does not wait for the receipt, but shutdown does.
    drop(shared::task::spawn(receipt::send_receipt(order.id)));
}

/// Holds the price on the customer's card. The hold expires if no order follows. The payment is simulated: it takes as
/// long as a fast payment provider, moves no money and never fails.
#[tracing::instrument(skip_all, fields(shop.order.id = %order_id, shop.order.total_cents = total_cents))]
async fn charge_payment(order_id: Uuid, total_cents: i64) {
    tokio::time::sleep(PAYMENT_LATENCY).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantity_is_one_to_a_hundred() {
        for quantity in [1, 100] {
            assert!(Order::new(None, "item".to_owned(), quantity).is_ok());
        }
        for quantity in [i64::MIN, -1, 0, 101, i64::MAX] {
            let error = Order::new(None, "item".to_owned(), quantity).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("quantity is {quantity}, but must be from 1 to 100")
            );
        }
    }

    #[test]
    fn item_id_length_counts_characters() {
        for item_id in ["item-123", "größe 42", "a/b", "...", &"ü".repeat(64)] {
            assert!(Order::new(None, item_id.to_owned(), 1).is_ok(), "{item_id}");
        }
        for item_id in ["", "a\0b", "a\nb", ".", "..", &"ü".repeat(65)] {
            let error = Order::new(None, item_id.to_owned(), 1).unwrap_err();
            assert!(error.to_string().starts_with("item_id must "), "{error}");
        }
    }

    #[test]
    fn every_order_has_its_own_id() {
        let order = || Order::new(None, "item".to_owned(), 1).unwrap();
        assert_ne!(order().id(), order().id());
    }
}
