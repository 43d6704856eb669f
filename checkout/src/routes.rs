//! HTTP requests and responses. The handlers translate between HTTP and [`order`](crate::order);
//! [`error`](crate::error) maps failures to responses.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use shared::problem::{self, Json};
use shared::serve;
use shared::server::TraceLayer;
use uuid::Uuid;

use crate::browser;
use crate::config::Config;
use crate::error::ApiError;
use crate::idempotency::IdempotencyKey;
use crate::inventory::Inventory;
use crate::order::{self, Order};
use crate::page;
use crate::pitfalls;

const MAX_BODY_BYTES: usize = 16 * 1024;

/// The body of `POST /checkout`. Unknown fields are rejected: `"qty": 5` must be an error, not an order of the default
/// quantity.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckoutRequest {
    item_id: String,
    // The type is wider than any valid quantity, so that the domain can report that -1 is invalid.
    #[serde(default = "one")]
    quantity: i64,
}

#[derive(Serialize)]
struct CheckoutResponse {
    order_id: Uuid,
    item_id: String,
    quantity: u32,
    total_cents: i64,
    /// The trace id of the request. Absent only if tracing is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

pub(crate) fn router(inventory: Inventory, config: &Config) -> Router {
    let inventory = Arc::new(inventory);
    let routes = Router::new()
        .route("/checkout", post(checkout))
        .with_state(Arc::clone(&inventory));
    let own_browser = from_fn_with_state(config.listen_addr.ip(), browser::require_own);
    let (routes, page) = if config.demo_routes {
        let pitfalls = pitfalls::router(inventory).layer(own_browser.clone());
        let page = page::router(&config.trace_ui_url).layer(own_browser);
        (routes.merge(pitfalls), page)
    } else {
        (routes, Router::new())
    };
    let routes = routes
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    // Checkout is ready as long as the process serves, even while inventory is down. Otherwise an orchestrator would
    // remove checkout, and callers would get a refused connection instead of the 503 that names the cause.
    let ready = async || Ok(());
    serve::router(routes, &config.limits, TraceLayer::new(), ready).merge(page)
}

async fn checkout(
    State(inventory): State<Arc<Inventory>>,
    IdempotencyKey(key): IdempotencyKey,
    Json(request): Json<CheckoutRequest>,
) -> Result<Json<CheckoutResponse>, ApiError> {
    let order = Order::new(key, request.item_id, request.quantity)?;
    let placed = order::place_order(&inventory, order)
        .await
        .map_err(|error| ApiError::order(error, key.is_some()))?;
    Ok(Json(CheckoutResponse {
        order_id: placed.order.id(),
        item_id: placed.order.item_id().to_owned(),
        quantity: placed.order.quantity(),
        total_cents: placed.total_cents,
        trace_id: shared::span::trace_id(),
    }))
}

fn one() -> i64 {
    1
}
