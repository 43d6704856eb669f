//! Maps errors to problems with a `code`. Internal details are not included.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use shared::error::chain;
use shared::problem::Problem;

use crate::order::InvalidValue;
use crate::stock::StockError;

/// Value of `Retry-After` while the database is unavailable.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// A failed or rejected request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("{0}: {1}")]
    Value(&'static str, #[source] InvalidValue),
    #[error("{0}: must be percent-encoded UTF-8")]
    Path(&'static str),
    #[error(transparent)]
    Stock(#[from] StockError),
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = match &self {
            Self::Value(..) | Self::Path(_) => Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "Invalid request",
                format!("The path cannot be used: {self}."),
            ),
            Self::Stock(StockError::UnknownItem(item_id)) => Problem::new(
                StatusCode::NOT_FOUND,
                "unknown_item",
                "Unknown item",
                format!("There is no item `{item_id}`."),
            ),
            Self::Stock(StockError::OutOfStock { item_id, quantity }) => Problem::new(
                StatusCode::CONFLICT,
                "out_of_stock",
                "Out of stock",
                format!("Fewer than {quantity} of `{item_id}` are left."),
            ),
            Self::Stock(StockError::OtherOrder(order_id)) => Problem::new(
                StatusCode::CONFLICT,
                "order_conflict",
                "Order conflict",
                format!(
                    "Order `{order_id}` has reserved another item or quantity. Use a new order_id for another order."
                ),
            ),
            Self::Stock(StockError::Released(order_id)) => Problem::new(
                StatusCode::CONFLICT,
                "order_released",
                "Order released",
                format!("Order `{order_id}` was released. Use a new order_id to order again."),
            ),
            Self::Stock(StockError::Unavailable(cause)) => {
                tracing::error!(error = chain(cause), "{self}");
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "database_unavailable",
                    "Database unavailable",
                    "The database cannot serve at the moment; try the same request again later.",
                )
                .with_retry_after(RETRY_SOON)
            }
            Self::Stock(StockError::Database(cause)) => {
                tracing::error!(error = chain(cause), "{self}");
                Problem::internal()
            }
        };
        problem.into_response()
    }
}
