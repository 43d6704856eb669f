//! Error responses: problem details ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) with the trace id.
//!
//! The caller receives an explanation, a stable `code` and the `trace_id`. Internal details are only in the logs, with
//! the same trace id.

mod json;
mod rejection;
mod unread;

use std::{borrow::Cow, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;

pub use self::json::Json;
use crate::{internal::semconv, server::ErrorType, span};

/// Value of `Retry-After` for a temporary failure.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// An error response with the media type `application/problem+json`. Handlers can return it as their error.
///
/// ```
/// use axum::response::{IntoResponse, Response};
/// use http::StatusCode;
/// use shared::{problem::Problem, span};
///
/// enum OrderError {
///     OutOfStock,
///     Database(std::io::Error),
/// }
///
/// impl IntoResponse for OrderError {
///     fn into_response(self) -> Response {
///         let problem = match self {
///             Self::OutOfStock => {
///                 Problem::new(StatusCode::CONFLICT, "out_of_stock", "Out of stock", "There is not enough of the item.")
///             }
///             Self::Database(error) => {
///                 span::fail("database", error.to_string()); // in the span only, not in the response
///                 Problem::internal()
///             }
///         };
///         problem.into_response()
///     }
/// }
/// # assert_eq!(OrderError::OutOfStock.into_response().status(), 409);
/// # assert_eq!(OrderError::Database(std::io::ErrorKind::Other.into()).into_response().status(), 500);
/// ```
///
/// The id of the current trace is added as `trace_id` when the problem is converted to a response. Outside a trace,
/// `trace_id` is omitted.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    title: Cow<'static, str>,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    detail: Cow<'static, str>,
    code: &'static str,
    #[serde(skip)]
    headers: Option<Box<HeaderMap>>,
}

/// The response body of a [`Problem`].
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(flatten)]
    problem: &'a Problem,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

impl Problem {
    /// Creates a problem. `code` is for programs and must be stable; `title` and `detail` are for people: `title`
    /// describes the kind of problem, and `detail` describes this occurrence.
    ///
    /// The `type` of the problem is the URN `urn:problem-type:{code}`, which identifies the kind of problem and does not
    /// resolve to a document.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            title: title.into(),
            status,
            detail: detail.into(),
            code,
            headers: None,
        }
    }

    /// Sets the header `Retry-After`. The duration is rounded up to whole seconds.
    #[must_use]
    pub fn with_retry_after(self, retry_after: Duration) -> Self {
        let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        self.with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Sets a header of the response.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        let headers = self.headers.get_or_insert_default();
        headers.insert(name, value);
        self
    }

    /// Creates the problem for an internal failure: 500 `internal_error`, without details.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Internal error",
            "The request failed on our side. The trace id leads to the cause.",
        )
    }

    /// Converts the problem to a response with an explicit `error.type`, which is more specific than the status code.
    fn named(self, error_type: &'static str) -> Response {
        let mut response = self.into_response();
        response
            .extensions_mut()
            .insert(ErrorType(error_type.into()));
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            kind: format!("urn:problem-type:{}", self.code),
            problem: &self,
            trace_id: span::trace_id(),
        };
        let mut body = serde_json::to_vec(&body).expect("strings and a number are JSON");
        // Ends the body with a newline, for display in a terminal.
        body.push(b'\n');
        let content_type = HeaderValue::from_static("application/problem+json");
        let headers = self.headers.map(|headers| *headers).unwrap_or_default();
        (self.status, headers, [(CONTENT_TYPE, content_type)], body).into_response()
    }
}

/// Returns the problem for a request whose body did not arrive in time: 408 `request_timeout`.
pub(crate) fn request_timeout() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "request_timeout",
        "Request timeout",
        "The request body did not arrive in time.",
    )
}

/// Handles unmatched paths with 404 `not_found` instead of an empty response, for [`axum::Router::fallback`]. The
/// layers of the router apply to this fallback, even if the router is merged into another one.
#[expect(clippy::unused_async, reason = "a handler is async")]
pub async fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "Not found",
        "There is nothing under this path.",
    )
}

/// Handles unsupported methods with 405 `method_not_allowed`, for [`axum::Router::method_not_allowed_fallback`].
#[cfg_attr(
    not(feature = "serve"),
    expect(clippy::unused_async, reason = "a handler is async")
)]
pub async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Method not allowed",
        "This path does not support this method; the header `Allow` lists the supported methods.",
    )
}

/// Creates a layer that converts a panic of the handler to the response of [`Problem::internal`]. The process and the
/// connection continue.
///
/// Add this layer inside [`TraceLayer`](crate::server::TraceLayer): the request's span then has the `error.type`
/// `panic`. The panic hook of [`crate::telemetry::init`] logs the panic.
pub fn catch_panic() -> CatchPanicLayer<fn(Box<dyn std::any::Any + Send>) -> Response> {
    CatchPanicLayer::custom(panicked as fn(_) -> _)
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::internal().named(semconv::ERROR_PANIC)
}

/// Drops a handler that exceeds a time limit, and responds with 503 `timeout`. For
/// [`axum::middleware::from_fn_with_state`].
///
/// ```
/// # use axum::{Router, middleware::from_fn_with_state, routing::get};
/// # use shared::{problem, server::TraceLayer};
/// use std::time::Duration;
///
/// # let router: Router = Router::new().route("/", get(()))
///     .layer(from_fn_with_state(Duration::from_secs(30), problem::timeout))
///     .layer(TraceLayer::new());
/// ```
pub async fn timeout(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    if let Ok(response) = tokio::time::timeout(limit, next.run(request)).await {
        return response;
    }
    let detail = format!(
        "The request did not finish within {}.",
        humantime::format_duration(limit)
    );
    let problem = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "timeout",
        "Timeout",
        detail,
    )
    .with_retry_after(RETRY_SOON);
    problem.named(semconv::ERROR_TIMEOUT)
}

/// Returns the response to a request above the limit of concurrent requests: 503 `overloaded`, with a `Retry-After` of
/// one second.
#[cfg(feature = "serve")]
pub(crate) fn overloaded() -> Response {
    let problem = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "overloaded",
        "Overloaded",
        "There are too many requests at the moment; try the same request again later.",
    )
    .with_retry_after(RETRY_SOON);
    problem.named(semconv::ERROR_OVERLOADED)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
