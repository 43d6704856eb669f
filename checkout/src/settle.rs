//! Settles an order after a failed reservation call, when inventory may or may not have reserved the stock.
//!
//! An order with an idempotency key is finished, because the caller may repeat the request at any moment and must then
//! get the same order. Every other order is released.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::error::chain;
use uuid::Uuid;

use crate::inventory::{Inventory, InventoryError, Reservation};

const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// How long checkout tries to settle an order. If inventory is unavailable for longer, the order stays unsettled and an
/// error is logged.
const PATIENCE: Duration = Duration::from_hours(1);

/// Asks inventory to release an order, repeatedly until a call succeeds or [`PATIENCE`] has passed.
///
/// Spawn this function with [`shared::task::spawn`] inside its parent span.
#[tracing::instrument(skip_all, fields(shop.order.id = %order_id))]
pub(crate) async fn release_order(inventory: Arc<Inventory>, order_id: Uuid) {
    let mut attempts = Attempts::of(order_id);
    while let Err(error) = inventory.release(order_id).await {
        if attempts.pause(&error).await.is_break() {
            return;
        }
    }
    attempts.settled();
    tracing::info!(%order_id, "order released");
}

/// Sends the reservation again until inventory accepts or rejects it, or [`PATIENCE`] has passed. Returns whether the
/// order has its reservation.
///
/// Spawn this function with [`shared::task::spawn`] inside its parent span.
#[tracing::instrument(skip_all, fields(shop.order.id = %reservation.order_id))]
pub(crate) async fn finish_order(inventory: &Inventory, reservation: &Reservation<'_>) -> bool {
    let order_id = reservation.order_id;
    let mut attempts = Attempts::of(order_id);
    loop {
        match inventory.reserve(reservation).await {
            Ok(()) => {
                attempts.settled();
                return true;
            }
            Err(refusal) if !refusal.is_failure() => {
                attempts.settled();
                tracing::info!(%order_id, code = refusal.code(), "order refused");
                return false;
            }
            Err(error) => {
                if attempts.pause(&error).await.is_break() {
                    return false;
                }
            }
        }
    }
}

/// The attempts to settle an order. Logs an error if the attempts end before the order is settled, for example when
/// shutdown cancels the task.
struct Attempts {
    order_id: Uuid,
    is_settled: bool,
    started: Instant,
    pause: Duration,
}

impl Attempts {
    fn of(order_id: Uuid) -> Self {
        Self {
            order_id,
            is_settled: false,
            started: Instant::now(),
            pause: MIN_PAUSE,
        }
    }

    /// Pauses after a failed attempt, twice as long each time up to [`MAX_PAUSE`]. Returns `Break` without a pause after
    /// [`PATIENCE`].
    async fn pause(&mut self, error: &InventoryError) -> ControlFlow<()> {
        if self.started.elapsed() > PATIENCE {
            shared::span::fail(error.code(), error.to_string());
            return ControlFlow::Break(());
        }
        tracing::warn!(
            order_id = %self.order_id,
            error = chain(error),
            retry_in_ms = self.pause.as_millis(),
            "order not settled yet"
        );
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(MAX_PAUSE);
        ControlFlow::Continue(())
    }

    fn settled(&mut self) {
        self.is_settled = true;
    }
}

impl Drop for Attempts {
    fn drop(&mut self) {
        if !self.is_settled {
            tracing::error!(
                order_id = %self.order_id,
                "order not settled, its reservation may remain: repeat the order with its Idempotency-Key, \
                 or send DELETE /reservations/{{order_id}} to inventory"
            );
        }
    }
}
