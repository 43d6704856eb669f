//! Health endpoints. Requests to them are not traced: their router is merged after the trace layer.

use axum::{Router, routing::get};
use http::StatusCode;
use serde::Serialize;

use super::Shutdown;
use crate::{
    problem::{self, Json},
    telemetry::{self, SpanCounts},
};

/// The response body of `GET /readyz`.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The process's span counters, for information only: failed exports do not affect readiness.
    spans: SpanCounts,
}

/// Returns a router for the health endpoints. `GET /healthz` answers 200 `ok` as long as the process serves;
/// `GET /readyz` answers 200 `{"ready":true,…}` or 503 `{"ready":false,"reason":"…",…}`, with the process's span
/// counters ([`SpanCounts`]) as `spans`. The bodies of both endpoints end with a newline, for display in a terminal.
///
/// The reason is the error that `ready` returns, or `stopping` after the shutdown of [`serve`](super::serve) is
/// requested. Methods other than GET and HEAD are answered 405.
///
/// First add all layers to the service's router, then merge this router into it, so that the layers do not apply to the
/// health endpoints. The service's router needs a fallback; otherwise its layers do not apply to requests that match no
/// route.
///
/// ```
/// use axum::Router;
/// use shared::{problem, server::TraceLayer, serve::health};
///
/// # async fn database_answers() -> bool { true }
/// let ready = async || if database_answers().await { Ok(()) } else { Err("no database") };
/// let traced = Router::new().fallback(problem::not_found).layer(TraceLayer::new());
/// let router: Router = traced.merge(health(ready));
/// ```
pub fn health<F>(ready: impl Fn() -> F + Clone + Send + Sync + 'static) -> Router
where
    F: Future<Output = Result<(), &'static str>> + Send,
{
    let readyz = move |shutdown: Shutdown| async move {
        let ready = if shutdown.requested.is_cancelled() {
            Err("stopping")
        } else {
            ready().await
        };
        let status = match ready {
            Ok(()) => StatusCode::OK,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        let readiness = Readiness {
            ready: ready.is_ok(),
            reason: ready.err(),
            spans: telemetry::spans(),
        };
        (status, Json(readiness))
    };
    Router::new()
        .route("/healthz", get("ok\n"))
        .route("/readyz", get(readyz))
        .method_not_allowed_fallback(problem::method_not_allowed)
}
