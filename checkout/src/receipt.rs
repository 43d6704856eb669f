//! The receipt: a task that continues after the response and stays in the trace.

use std::time::Duration;

use uuid::Uuid;

/// Time that the simulated mail server takes, long enough to show in the trace that the response did not wait.
const MAIL_LATENCY: Duration = Duration::from_millis(50);

/// Sends the receipt. The mail is simulated: the task takes as long as a mail server and sends nothing.
///
/// Spawn this function with [`shared::task::spawn`] inside its parent span.
#[tracing::instrument(skip_all, fields(shop.order.id = %order_id))]
pub(crate) async fn send_receipt(order_id: Uuid) {
    tokio::time::sleep(MAIL_LATENCY).await;
    tracing::info!(%order_id, "receipt sent");
}
