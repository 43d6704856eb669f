//! HTTP in, HTTP out. A handler translates; `stock` decides; `error` answers what fails.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use shared::problem::{self, Json};
use shared::serve::Limits;
use shared::server::TraceLayer;

use crate::error::ApiError;
use crate::order::{ItemId, Order};
use crate::stock::{Item, Reservation, Stock};

const MAX_BODY_BYTES: usize = 16 * 1024;

pub(crate) fn router(stock: &Arc<Stock>, limits: &Limits) -> Router {
    let ready = Arc::clone(stock);
    let routes = Router::new()
        .route("/check/{item_id}", get(check))
        .route("/reservations", post(reserve))
        .with_state(Arc::clone(stock))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    limits
        .around(routes)
        .layer(problem::catch_panic())
        .layer(TraceLayer::new())
        // Beneath the layers, so that nothing traces the questions of an orchestrator.
        .merge(shared::serve::health(move || {
            let stock = Arc::clone(&ready);
            async move {
                stock
                    .is_ready()
                    .await
                    .then_some(())
                    .ok_or("the database does not answer")
            }
        }))
}

async fn check(
    State(stock): State<Arc<Stock>>,
    item_id: Result<Path<String>, PathRejection>,
) -> Result<axum::Json<Item>, ApiError> {
    let Path(item_id) = item_id?;
    let item_id = ItemId::try_from(item_id)?;
    Ok(axum::Json(stock.check(&item_id).await?))
}

async fn reserve(
    State(stock): State<Arc<Stock>>,
    Json(order): Json<Order>,
) -> Result<(StatusCode, axum::Json<Reservation>), ApiError> {
    let reservation = stock.reserve(&order).await?;
    Ok((StatusCode::CREATED, axum::Json(reservation)))
}
