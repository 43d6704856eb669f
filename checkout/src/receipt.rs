//! The receipt: work that goes on when the answer is already out, and stays in the trace all the same.

use std::time::Duration;

use uuid::Uuid;

/// How long the simulated mail server takes: long enough to see in the trace that the response did not wait for it.
const MAIL_LATENCY: Duration = Duration::from_millis(50);

/// Sends the receipt. Simulated: it takes as long as a mail server would and sends nothing.
///
/// To be spawned with [`shared::task::spawn`], inside the span that it belongs to.
#[tracing::instrument(skip_all, fields(shop.order.id = %order_id))]
pub(crate) async fn send_receipt(order_id: Uuid) {
    tokio::time::sleep(MAIL_LATENCY).await;
    tracing::info!(%order_id, "receipt sent");
}
