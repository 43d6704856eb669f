//! Settles an order after a failed reservation call, when inventory may or may not have reserved the stock.
//!
//! An order with an idempotency key is finished, because the caller may repeat the request at any moment and must then
//! get the same order. Every other order is released.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shared::error::chain;
use uuid::Uuid;

use crate::inventory::{Inventory, InventoryError, Reservation};

const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// How long checkout tries to settle an order. If inventory is unavailable for longer, the order stays unsettled and an
/// error is logged.
const PATIENCE: Duration = Duration::from_hours(1);

/// A caller without a key cannot repeat the order.
const RELEASE_REMEDY: &str = "send DELETE /reservations/{order_id} to inventory";
/// The caller may have repeated the order, with success, in another process.
const FINISH_REMEDY: &str =
    "repeat the order with order_id as its Idempotency-Key; do not release it";

/// Asks inventory to release an order, repeatedly until a call succeeds or [`PATIENCE`] has passed.
///
/// Spawn this function with [`shared::task::spawn`] inside its parent span.
#[tracing::instrument(skip_all, fields(shop.order.id = %order_id))]
pub(crate) async fn release_order(inventory: Arc<Inventory>, order_id: Uuid) {
    let mut attempts = Attempts::of(order_id, RELEASE_REMEDY);
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
    let mut attempts = Attempts::of(order_id, FINISH_REMEDY);
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

/// The permission to settle an order, which one task of this process has at a time. Dropping it returns the permission.
pub(crate) struct Claim(Uuid);

static CLAIMED: Mutex<BTreeSet<Uuid>> = Mutex::new(BTreeSet::new());

impl Claim {
    /// Returns `None` while another task settles the order.
    pub(crate) fn of(order_id: Uuid) -> Option<Self> {
        claimed().insert(order_id).then(|| Self(order_id))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        claimed().remove(&self.0);
    }
}

fn claimed() -> MutexGuard<'static, BTreeSet<Uuid>> {
    CLAIMED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The attempts to settle an order. Logs an error if the attempts end before the order is settled, for example when
/// shutdown cancels the task.
struct Attempts {
    order_id: Uuid,
    /// What an operator can do if the attempts end too early.
    remedy: &'static str,
    is_settled: bool,
    started: Instant,
    pause: Duration,
}

impl Attempts {
    fn of(order_id: Uuid, remedy: &'static str) -> Self {
        Self {
            order_id,
            remedy,
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
                remedy = self.remedy,
                "order not settled, its reservation may remain"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_has_one_claim_at_a_time() {
        let order_id = Uuid::now_v7();
        let claim = Claim::of(order_id);
        assert!(claim.is_some());
        assert!(Claim::of(order_id).is_none());
        assert!(Claim::of(Uuid::now_v7()).is_some());
        drop(claim);
        assert!(Claim::of(order_id).is_some());
    }
}
