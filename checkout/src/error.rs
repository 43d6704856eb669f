//! Maps errors to problems with a `code`. A problem contains no internal details; they are in the log, whose lines have
//! the same trace id.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use shared::error::chain;
use shared::problem::Problem;

use crate::inventory::InventoryError;
use crate::order::{InvalidOrder, OrderError};

/// Value of `Retry-After` if inventory sent none.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// A failed or rejected request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(transparent)]
    Invalid(#[from] InvalidOrder),
    #[error(transparent)]
    Order(#[from] OrderError),
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Invalid(error) => Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "Invalid request",
                format!("The order cannot be placed: {error}."),
            ),
            Self::Order(OrderError::Inventory(error)) => inventory_problem(&error),
            Self::Order(error @ OrderError::Task(_)) => {
                tracing::error!(error = chain(&error), "checkout failed");
                Problem::internal()
            }
        }
        .into_response()
    }
}

fn inventory_problem(error: &InventoryError) -> Problem {
    let (status, title, detail) = match error {
        InventoryError::UnknownItem => (
            StatusCode::NOT_FOUND,
            "Unknown item",
            "The catalogue has no such item.",
        ),
        InventoryError::OutOfStock => (
            StatusCode::CONFLICT,
            "Out of stock",
            "Fewer of this item are left than the order asks for.",
        ),
        InventoryError::Timeout(_) => (
            StatusCode::GATEWAY_TIMEOUT,
            "Inventory timed out",
            "Inventory did not answer in time. The order was not placed; try again later.",
        ),
        InventoryError::Unreachable(_) | InventoryError::Unavailable { .. } => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Inventory unavailable",
            "Inventory is unavailable. The order was not placed; try again later.",
        ),
        InventoryError::Failed { .. }
        | InventoryError::BadAnswer(_)
        | InventoryError::OtherAnswer
        | InventoryError::TooLarge => (
            StatusCode::BAD_GATEWAY,
            "Inventory failed",
            "Inventory failed to answer. The order was not placed; the trace id leads to the cause.",
        ),
    };
    if status.is_server_error() {
        tracing::error!(code = error.code(), error = chain(error), "checkout failed");
    }
    let problem = Problem::new(status, error.code(), title, detail);
    match error {
        InventoryError::Unavailable { retry_after } => {
            problem.with_retry_after(retry_after.unwrap_or(RETRY_SOON))
        }
        InventoryError::Unreachable(_) | InventoryError::Timeout(_) => {
            problem.with_retry_after(RETRY_SOON)
        }
        _ => problem,
    }
}
