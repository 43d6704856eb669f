//! What went wrong, as the caller gets to hear it: a problem with a `code`, and nothing of the inside.

use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use shared::error::chain;
use shared::problem::Problem;

use crate::order::InvalidValue;
use crate::stock::StockError;

/// A request that is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("item_id: {0}")]
    ItemId(#[from] InvalidValue),
    #[error("item_id: must be percent-encoded UTF-8")]
    Path(#[from] PathRejection),
    #[error(transparent)]
    Stock(#[from] StockError),
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = match &self {
            Self::ItemId(_) | Self::Path(_) => Problem::new(
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
            Self::Stock(StockError::Unavailable(cause)) => {
                tracing::error!(error = chain(cause), "{self}");
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "database_unavailable",
                    "Database unavailable",
                    "The stock cannot be looked up at the moment; the same request may do later.",
                )
            }
            Self::Stock(StockError::Database(cause)) => {
                tracing::error!(error = chain(cause), "{self}");
                Problem::internal()
            }
        };
        problem.into_response()
    }
}
