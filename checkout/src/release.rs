//! Releases a reservation of an order that was not placed. If the call to reserve failed, inventory may still have
//! reserved.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::error::chain;
use uuid::Uuid;

use crate::inventory::Inventory;

const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// Maximum duration of the attempts, and so the longest outage of inventory after which a reservation is still
/// released.
const PATIENCE: Duration = Duration::from_hours(1);

/// Requests the release of an order until inventory confirms it.
///
/// Spawn it with [`shared::task::spawn`] inside its parent span.
#[tracing::instrument(skip_all, fields(shop.order.id = %order_id))]
pub(crate) async fn release_order(inventory: Arc<Inventory>, order_id: Uuid) {
    let mut unreleased = Unreleased(Some(order_id));
    let started = Instant::now();
    let mut pause = MIN_PAUSE;
    while let Err(error) = inventory.release(order_id).await {
        if started.elapsed() > PATIENCE {
            shared::span::fail(error.code(), error.to_string());
            return;
        }
        tracing::warn!(%order_id, error = chain(&error), retry_in_ms = pause.as_millis(), "order not released yet");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
    unreleased.0 = None;
    tracing::info!(%order_id, "order released");
}

/// Logs the order id if the task ends before the order is released, for example by cancellation at shutdown.
struct Unreleased(Option<Uuid>);

impl Drop for Unreleased {
    fn drop(&mut self) {
        if let Some(order_id) = self.0 {
            tracing::error!(
                %order_id,
                "order not released, its reservation may remain: send DELETE /reservations/{{order_id}} to inventory"
            );
        }
    }
}
