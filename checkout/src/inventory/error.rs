//! [`InventoryError`]: the reason why a call to inventory failed or was rejected.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;

use crate::retry;

/// Maximum bytes of a response that are read. Inventory's own responses have a few hundred bytes.
pub(super) const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Maximum `Retry-After` that is passed on to the caller.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// The part of a problem (RFC 9457) that identifies why inventory rejected the request.
#[derive(Deserialize)]
struct Refusal {
    code: String,
}

/// The reason why inventory did not serve a request. The first four variants are expected rejections; the others are
/// failures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InventoryError {
    #[error("inventory knows no such item")]
    UnknownItem,
    #[error("inventory has not enough of the item")]
    OutOfStock,
    #[error("inventory has another order with this id")]
    OtherOrder,
    #[error("inventory has released this order")]
    Released,
    #[error("inventory did not answer in time")]
    Timeout(#[source] reqwest_middleware::Error),
    /// The connection failed, broke, or did not carry HTTP.
    #[error("inventory cannot be reached")]
    Unreachable(#[source] reqwest_middleware::Error),
    /// Inventory answered that it cannot serve the request at the moment (503 or 429).
    #[error("inventory is unavailable")]
    Unavailable { retry_after: Option<Duration> },
    #[error("inventory answered {status}")]
    Failed { status: StatusCode },
    #[error("inventory gave an answer that cannot be understood")]
    BadAnswer(#[source] serde_json::Error),
    /// The answer is about another item, order or quantity than the request.
    #[error("inventory answered for another item, order or quantity")]
    OtherAnswer,
    #[error("inventory gave an answer of more than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
}

impl InventoryError {
    /// Converts a response with an error status.
    ///
    /// A rejection is identified by its `code`, not by its status: a 404 without a code comes from a wrong
    /// `INVENTORY_URL`, and reporting it as "no such item" would hide the mistake.
    pub(super) fn from_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let refusal = serde_json::from_slice::<Refusal>(body).ok();
        match (
            status,
            refusal.as_ref().map(|refusal| refusal.code.as_str()),
        ) {
            (StatusCode::NOT_FOUND, Some("unknown_item")) => Self::UnknownItem,
            (StatusCode::CONFLICT, Some("out_of_stock")) => Self::OutOfStock,
            (StatusCode::CONFLICT, Some("order_conflict")) => Self::OtherOrder,
            (StatusCode::CONFLICT, Some("order_released")) => Self::Released,
            (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, _) => {
                Self::Unavailable {
                    retry_after: retry_after(headers),
                }
            }
            _ => Self::Failed { status },
        }
    }

    /// Returns the stable name of the error: the `code` of checkout's problem, and the `error.type` of the span.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::UnknownItem => "unknown_item",
            Self::OutOfStock => "out_of_stock",
            Self::OtherOrder => "idempotency_key_reused",
            Self::Released => "order_released",
            Self::Timeout(_) => "inventory_timeout",
            Self::Unreachable(_) | Self::Unavailable { .. } => "inventory_unavailable",
            Self::Failed { .. } | Self::BadAnswer(_) | Self::OtherAnswer | Self::TooLarge => {
                "inventory_failed"
            }
        }
    }

    /// Returns whether the error is a fault. A request for an unknown or sold-out item is not a fault.
    pub(crate) fn is_failure(&self) -> bool {
        !matches!(
            self,
            Self::UnknownItem | Self::OutOfStock | Self::OtherOrder | Self::Released
        )
    }
}

/// Returns the seconds in `Retry-After`. Inventory never sends a date in this header.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

impl From<reqwest::Error> for InventoryError {
    fn from(error: reqwest::Error) -> Self {
        reqwest_middleware::Error::from(error).into()
    }
}

impl From<reqwest_middleware::Error> for InventoryError {
    fn from(error: reqwest_middleware::Error) -> Self {
        let error = retry::last_attempt(error);
        // A connect timeout counts as unreachable, since inventory never received the request.
        if error.is_timeout() && !error.is_connect() {
            Self::Timeout(error)
        } else {
            Self::Unreachable(error)
        }
    }
}
