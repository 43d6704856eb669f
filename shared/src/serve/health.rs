//! Health endpoints, never traced: plain handlers, beside the router that has the trace layer.

use axum::{Json, Router, routing::get};
use http::StatusCode;
use serde::Serialize;

use super::Shutdown;
use crate::{
    problem,
    telemetry::{self, SpanCounts},
};

/// What `GET /readyz` says.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Whether traces get out is no matter of readiness, and still what somebody who asks wants to know.
    spans: SpanCounts,
}

/// `GET /healthz` answers 200 as long as the process serves; `GET /readyz` answers 200 `{"ready":true,…}` or 503
/// `{"ready":false,"reason":"…",…}`, with what became of the process's spans ([`SpanCounts`]) as `spans`.
///
/// The reason is what `ready` says, in a few words, or `stopping` from the moment on in which [`serve`](super::serve) is
/// told to stop. Other methods than GET and HEAD are answered 405. Merge it into a router that has its layers already: what is merged is not wrapped by them.
/// That router needs a fallback of its own, or what no route matches falls out of its layers.
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
        .route("/healthz", get(StatusCode::OK))
        .route("/readyz", get(readyz))
        .method_not_allowed_fallback(problem::method_not_allowed)
}
