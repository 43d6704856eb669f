//! Releases what inventory may have reserved for an order that was not placed: the call to reserve it failed, and inventory
//! may have done its part all the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::error::chain;
use uuid::Uuid;

use crate::inventory::Inventory;

const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// How long to try, which is as long an outage of inventory as orders in doubt survive.
const PATIENCE: Duration = Duration::from_hours(1);

/// Asks inventory to release an order until it has done so.
///
/// To be spawned with [`shared::task::spawn`], inside the span that it belongs to.
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

/// Logs the order if the task ends before it is released, also when it is cancelled at shutdown.
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
