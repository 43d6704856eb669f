//! HTTP requests and responses. The handlers translate between HTTP and `stock`; `error` maps failures to responses.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use shared::problem::{self, Json};
use shared::serve::{self, Limits};
use shared::server::TraceLayer;

use crate::error::ApiError;
use crate::order::{ItemId, Order, OrderId};
use crate::stock::{Item, Reservation, Stock};

const MAX_BODY_BYTES: usize = 16 * 1024;

pub(crate) fn router(stock: &Arc<Stock>, limits: &Limits) -> Router {
    let routes = Router::new()
        .route("/check/{item_id}", get(check))
        .route("/reservations", post(reserve))
        .route("/reservations/{order_id}", delete(release))
        .with_state(Arc::clone(stock))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    let stock = Arc::clone(stock);
    let ready = move || {
        let stock = Arc::clone(&stock);
        async move { stock.check_ready().await }
    };
    serve::router(routes, limits, TraceLayer::new(), ready)
}

async fn check(
    State(stock): State<Arc<Stock>>,
    item_id: Result<Path<String>, PathRejection>,
) -> Result<Json<Item>, ApiError> {
    let Path(item_id) = item_id.map_err(|_| ApiError::Path("item_id"))?;
    let item_id = ItemId::try_from(item_id).map_err(|rule| ApiError::Value("item_id", rule))?;
    Ok(Json(stock.check(&item_id).await?))
}

async fn reserve(
    State(stock): State<Arc<Stock>>,
    Json(order): Json<Order>,
) -> Result<(StatusCode, Json<Reservation>), ApiError> {
    let reservation = stock.reserve(&order).await?;
    Ok((StatusCode::CREATED, Json(reservation)))
}

async fn release(
    State(stock): State<Arc<Stock>>,
    order_id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let Path(order_id) = order_id.map_err(|_| ApiError::Path("order_id"))?;
    let order_id = OrderId::try_from(order_id).map_err(|rule| ApiError::Value("order_id", rule))?;
    stock.release(&order_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
