//! [`InventoryError`]: why a call to inventory failed, or what inventory refused.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;

use crate::retry;

/// The longest answer that is read. Inventory's own are a few hundred bytes long.
pub(super) const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// The longest `Retry-After` that is passed on.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// The member of a problem (RFC 9457) that identifies the refusal.
#[derive(Deserialize)]
struct Refusal {
    code: String,
}

/// Why inventory did not do as asked. The first two are answers; the others are failures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InventoryError {
    #[error("inventory knows no such item")]
    UnknownItem,
    #[error("inventory has not enough of the item")]
    OutOfStock,
    #[error("inventory did not answer in time")]
    Timeout(#[source] reqwest_middleware::Error),
    /// No connection, or one that broke or does not speak HTTP.
    #[error("inventory cannot be reached")]
    Unreachable(#[source] reqwest_middleware::Error),
    /// It answers, but says that it cannot serve.
    #[error("inventory is unavailable")]
    Unavailable { retry_after: Option<Duration> },
    #[error("inventory answered {status}")]
    Failed { status: StatusCode },
    #[error("inventory gave an answer that cannot be understood")]
    BadAnswer(#[source] serde_json::Error),
    /// The answer is about something else than the request.
    #[error("inventory answered for another item, order or quantity")]
    OtherAnswer,
    #[error("inventory gave an answer of more than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
}

impl InventoryError {
    /// Reads an answer that is not a success.
    ///
    /// A refusal is known by its `code`, never by the status alone: a 404 without one comes from a wrong `INVENTORY_URL`,
    /// and "no such item" would send people to look in the wrong place.
    pub(super) fn from_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let refusal = serde_json::from_slice::<Refusal>(body).ok();
        match (
            status,
            refusal.as_ref().map(|refusal| refusal.code.as_str()),
        ) {
            (StatusCode::NOT_FOUND, Some("unknown_item")) => Self::UnknownItem,
            (StatusCode::CONFLICT, Some("out_of_stock")) => Self::OutOfStock,
            (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, _) => {
                Self::Unavailable {
                    retry_after: retry_after(headers),
                }
            }
            _ => Self::Failed { status },
        }
    }

    /// The stable name: `code` of the problem that checkout answers, and `error.type` of the span.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::UnknownItem => "unknown_item",
            Self::OutOfStock => "out_of_stock",
            Self::Timeout(_) => "inventory_timeout",
            Self::Unreachable(_) | Self::Unavailable { .. } => "inventory_unavailable",
            Self::Failed { .. } | Self::BadAnswer(_) | Self::OtherAnswer | Self::TooLarge => {
                "inventory_failed"
            }
        }
    }

    /// Whether something is broken, as opposed to a customer who asks for what is not there.
    pub(crate) fn is_failure(&self) -> bool {
        !matches!(self, Self::UnknownItem | Self::OutOfStock)
    }
}

/// The seconds of a `Retry-After`. Its other form, a date, is not used by inventory.
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
        // A connection that could not be made in time is none, and asks nothing of inventory's work.
        if error.is_timeout() && !error.is_connect() {
            Self::Timeout(error)
        } else {
            Self::Unreachable(error)
        }
    }
}
