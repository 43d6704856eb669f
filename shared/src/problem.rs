//! Error answers: [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem details with the trace id.
//!
//! A caller gets a sentence, a stable `code` and the `trace_id` to ask about; what went wrong inside stays in the logs
//! under that id.

use std::{borrow::Cow, error::Error, time::Duration};

use axum::{
    extract::{FromRequest, Request, State, rejection::JsonRejection},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde::{Serialize, de::DeserializeOwned};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutError};

use crate::{error::causes, semconv, server::ErrorType, span};

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
}

/// The body of a [`Problem`].
#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

impl Problem {
    /// `code` is for programs and never changes; `title` names the kind of problem and `detail` this one, for people.
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
        }
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
            problem: &self,
            trace_id: span::trace_id(),
        };
        let body = serde_json::to_vec(&body).expect("strings and a number are JSON");
        let content_type = HeaderValue::from_static("application/problem+json");
        (self.status, [(CONTENT_TYPE, content_type)], body).into_response()
    }
}

/// A JSON body, as [`axum::Json`] takes it, whose rejections are [`Problem`]s: as the last argument of a handler, in its place.
///
/// 400 `invalid_request` for what is no JSON or not the JSON that is asked for, 408 `request_timeout` for what does not
/// arrive within [`Limits::request_body_timeout`](crate::serve::Limits::request_body_timeout), 413 `payload_too_large`,
/// 415 `unsupported_media_type`.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(rejected(&rejection)),
        }
    }
}

fn rejected(rejection: &JsonRejection) -> Problem {
    match (rejection, rejection.status()) {
        (_, StatusCode::PAYLOAD_TOO_LARGE) => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            "Payload too large",
            "The request body is larger than this endpoint takes.",
        ),
        (JsonRejection::MissingJsonContentType(_), _) => Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Unsupported media type",
            "Send the body as JSON, with the header `Content-Type: application/json`.",
        ),
        _ if causes(rejection).any(<dyn Error>::is::<TimeoutError>) => Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            "Request timeout",
            "The request body did not arrive in time.",
        ),
        // The body is the caller's own, so what the parser says of it is no inner text.
        _ => Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "Invalid request",
            explain(rejection),
        ),
    }
}

/// What the JSON parser said, without the sentence that the framework puts before it. A body that did not arrive is the
/// connection's doing, and what that said stays inside.
fn explain(rejection: &JsonRejection) -> String {
    let parsed = matches!(
        rejection,
        JsonRejection::JsonDataError(_) | JsonRejection::JsonSyntaxError(_)
    );
    match causes(rejection).last().filter(|_| parsed) {
        Some(cause) => format!("The request body cannot be used: {cause}."),
        None => "The request body cannot be read.".to_owned(),
    }
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
#[expect(clippy::unused_async, reason = "a handler is async")]
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
    );
    problem.named(semconv::ERROR_TIMEOUT)
}

/// The answer to a request that is one too many: 503 `overloaded`, to be tried again in a second.
#[cfg(feature = "serve")]
pub(crate) fn overloaded() -> Response {
    let problem = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "overloaded",
        "Overloaded",
        "There are too many requests at the moment; the same request may do later.",
    );
    let mut response = problem.named(semconv::ERROR_OVERLOADED);
    response
        .headers_mut()
        .insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
