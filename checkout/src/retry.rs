//! Retries of calls to inventory: failures that may be temporary, within the caller's time limit.
//!
//! All calls are idempotent: a check changes nothing, and inventory reserves and releases once for each order id.

use std::time::{Duration, Instant, SystemTime};

use axum::http::{Extensions, header::RETRY_AFTER};
use reqwest::{Request, Response, StatusCode};
use reqwest_middleware::{Error, Middleware, Next, Result};
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{
    Jitter, RetryDecision, RetryError, RetryPolicy, RetryTransientMiddleware, Retryable,
    RetryableStrategy,
};

/// Maximum number of retries after the first attempt.
const MAX_RETRIES: u32 = 2;
const MIN_BACKOFF: Duration = Duration::from_millis(25);
const MAX_BACKOFF: Duration = Duration::from_millis(200);

/// Returns the middleware that retries with backoff and jitter, all within `timeout`. Added before the trace
/// middleware, so that every attempt has a span.
pub(crate) fn retries(timeout: Duration) -> RetryTransientMiddleware<Within, Transient> {
    let backoff = ExponentialBackoff::builder()
        .retry_bounds(MIN_BACKOFF, MAX_BACKOFF)
        .jitter(Jitter::Bounded)
        .build_with_max_retries(MAX_RETRIES);
    RetryTransientMiddleware::new_with_policy_and_strategy(Within { backoff, timeout }, Transient)
}

/// A retry policy with backoff, which does not retry if the pause would last until `timeout`.
pub(crate) struct Within {
    backoff: ExponentialBackoff,
    timeout: Duration,
}

impl RetryPolicy for Within {
    fn should_retry(&self, started: SystemTime, retries: u32) -> RetryDecision {
        match self.backoff.should_retry(started, retries) {
            RetryDecision::Retry { execute_after } if execute_after < started + self.timeout => {
                RetryDecision::Retry { execute_after }
            }
            _ => RetryDecision::DoNotRetry,
        }
    }
}

/// Retries a refused or broken connection, and a 503 without `Retry-After`.
///
/// A connect timeout is not retried, because the caller has waited long enough. A 503 with `Retry-After` is not retried,
/// because every retry would be sent before that time.
pub(crate) struct Transient;

impl RetryableStrategy for Transient {
    fn handle(&self, result: &Result<Response>) -> Option<Retryable> {
        let transient = match result {
            Ok(response) => {
                response.status() == StatusCode::SERVICE_UNAVAILABLE
                    && !response.headers().contains_key(RETRY_AFTER)
            }
            Err(error) => {
                !error.is_timeout()
                    && matches!(shared::client::error_type(error), "connect" | "reset")
            }
        };
        transient.then_some(Retryable::Transient)
    }
}

/// A request extension: the time by which the response has to be complete, over all attempts.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(pub(crate) Instant);

/// Middleware that limits an attempt to the time left until the [`Deadline`]. Added between the retries and the trace
/// middleware.
pub(crate) struct RemainingTime;

#[async_trait::async_trait]
impl Middleware for RemainingTime {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        if let Some(Deadline(at)) = extensions.get() {
            *request.timeout_mut() = Some(at.saturating_duration_since(Instant::now()));
        }
        next.run(request, extensions).await
    }
}

/// Returns the error of the last attempt, without the wrapper that counts the attempts. The trace shows each attempt.
pub(crate) fn last_attempt(error: Error) -> Error {
    match error {
        Error::Middleware(error) => match error.downcast() {
            Ok(RetryError::WithRetries { err, .. } | RetryError::Error(err)) => err,
            Err(other) => Error::Middleware(other),
        },
        error @ Error::Reqwest(_) => error,
    }
}
