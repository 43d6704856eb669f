//! Maps errors to problems with a `code`. A problem contains no internal details; they are in the log, in lines with
//! the same trace id.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use shared::error::chain;
use shared::problem::Problem;

use crate::inventory::InventoryError;
use crate::order::{InvalidOrder, OrderError};

/// Value of `Retry-After` in checkout's response if inventory sent none.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// A failed or rejected request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(transparent)]
    Invalid(#[from] InvalidOrder),
    #[error("{source}")]
    Order {
        source: OrderError,
        /// Whether the caller sent an idempotency key.
        has_key: bool,
    },
}

impl ApiError {
    pub(crate) fn order(source: OrderError, has_key: bool) -> Self {
        Self::Order { source, has_key }
    }
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
            Self::Order {
                source: OrderError::Inventory(error),
                has_key,
            } => inventory_problem(&error, has_key),
            Self::Order {
                source: error @ OrderError::Task(_),
                ..
            } => {
                tracing::error!(error = chain(&error), "checkout failed");
                Problem::internal()
            }
        }
        .into_response()
    }
}

fn inventory_problem(error: &InventoryError, has_key: bool) -> Problem {
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
        InventoryError::OtherOrder => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Idempotency key reused",
            "The Idempotency-Key belongs to an order of another item or quantity. Use a new key for a new order.",
        ),
        InventoryError::Released => (
            StatusCode::CONFLICT,
            "Order released",
            "The order of this Idempotency-Key was released. Use a new key to order again.",
        ),
        InventoryError::Timeout(_) => (
            StatusCode::GATEWAY_TIMEOUT,
            "Inventory timed out",
            "Inventory did not answer in time.",
        ),
        InventoryError::Unreachable(_) | InventoryError::Unavailable { .. } => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Inventory unavailable",
            "Inventory is unavailable.",
        ),
        InventoryError::Failed { .. }
        | InventoryError::BadAnswer(_)
        | InventoryError::OtherAnswer
        | InventoryError::TooLarge => (
            StatusCode::BAD_GATEWAY,
            "Inventory failed",
            "Inventory failed to answer. The trace id leads to the cause.",
        ),
    };
    let mut detail = detail.to_owned();
    if status.is_server_error() {
        detail.push_str(if has_key {
            " The order may be placed: send it again with the same Idempotency-Key to find out."
        } else {
            " The order was not placed; try again later."
        });
    }
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
