//! Error answers: [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem details with the trace id.
//!
//! A caller gets a sentence, a stable `code` and the `trace_id` to ask about; what went wrong inside stays in the logs
//! under that id.

mod json;
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
use crate::{semconv, server::ErrorType, span};

/// When to try again, after a failure that may be over soon.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// An answer of the media type `application/problem+json`: what a handler's error becomes.
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
///                 span::fail("database", error.to_string()); // for us, and nothing of it for the caller
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
/// `trace_id` is added when it becomes a response, from the trace that is current then; outside of a trace it is left out.
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

/// The body of a [`Problem`].
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
    /// `code` is for programs and never changes; `title` names the kind of problem and `detail` this one, for people.
    ///
    /// The problem's `type` is the URN `urn:problem-type:{code}`, which identifies the kind of problem and cannot be looked
    /// up.
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

    /// Adds the header `Retry-After` with this time in whole seconds, rounded up.
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

    /// The answer to a failure that is none of the caller's business: 500 `internal_error`.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Internal error",
            "The request failed on our side. The trace id leads to the cause.",
        )
    }

    /// As the answer to a failure whose `error.type` says more than the status.
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
        // For people at a terminal.
        body.push(b'\n');
        let content_type = HeaderValue::from_static("application/problem+json");
        let headers = self.headers.map(|headers| *headers).unwrap_or_default();
        (self.status, headers, [(CONTENT_TYPE, content_type)], body).into_response()
    }
}

/// The answer to a request whose body did not arrive in time: 408 `request_timeout`.
pub(crate) fn request_timeout() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "request_timeout",
        "Request timeout",
        "The request body did not arrive in time.",
    )
}

/// For [`axum::Router::fallback`]: 404 `not_found`, in place of an empty answer, and in the router's layers whatever it is merged
/// with.
#[expect(clippy::unused_async, reason = "a handler is async")]
pub async fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "Not found",
        "There is nothing under this path.",
    )
}

/// For [`axum::Router::method_not_allowed_fallback`]: 405 `method_not_allowed`.
#[cfg_attr(
    not(feature = "serve"),
    expect(clippy::unused_async, reason = "a handler is async")
)]
pub async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Method not allowed",
        "This path is served, but not with this method; the header `Allow` lists those that are.",
    )
}

/// A layer that turns a panic of the handler into [`Problem::internal`]; the process lives on and so does the connection.
///
/// Goes inside of [`TraceLayer`](crate::server::TraceLayer), whose span then says `panic`. The panic itself is logged
/// by the hook that [`crate::telemetry::init`] sets.
pub fn catch_panic() -> CatchPanicLayer<fn(Box<dyn std::any::Any + Send>) -> Response> {
    CatchPanicLayer::custom(panicked as fn(_) -> _)
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::internal().named(semconv::ERROR_PANIC)
}

/// For [`axum::middleware::from_fn_with_state`]: gives a handler so long to answer, then drops it and answers 503 `timeout`.
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
        "The request was not done within {}.",
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

/// The answer to a request that is one too many: 503 `overloaded`, to be tried again in a second.
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

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
