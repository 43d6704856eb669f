//! [`router`]: the layers of a service in the right order.

use axum::Router;

use super::{Limits, health, problem};
use crate::server::TraceLayer;

/// Returns the router of a service: `routes` with request limits, panics converted to [`Problem`](problem::Problem)s
/// and tracing, and the health endpoints.
///
/// The layers from the innermost to the outermost:
///
/// 1. the layers that `routes` already has
/// 2. the request limits of [`Limits::apply`], so that a rejected request does not reach the handler
/// 3. [`problem::catch_panic`], which also catches panics of the layers 1 and 2
/// 4. `trace`, whose span records the final response and its `error.type`
///
/// Requests to the endpoints of [`health`] pass none of these layers, so they are always answered and never traced.
/// `/readyz` calls `ready`. Requests that match no route have a span, too. Add further untraced routes with
/// [`Router::merge`]; `routes` needs a fallback then, since merging replaces the default fallback.
///
/// ```
/// use axum::{Router, routing::get};
/// use shared::{problem, serve::{self, Limits}, server::TraceLayer};
///
/// # async fn database_answers() -> bool { true }
/// let ready = async || if database_answers().await { Ok(()) } else { Err("no database") };
/// let routes = Router::new().route("/", get("hello")).fallback(problem::not_found);
/// let router: Router = serve::router(routes, &Limits::default(), TraceLayer::new(), ready);
/// ```
///
/// # Panics
///
/// Panics if `routes` contains `/healthz` or `/readyz`.
pub fn router<F>(
    routes: Router,
    limits: &Limits,
    trace: TraceLayer,
    ready: impl Fn() -> F + Clone + Send + Sync + 'static,
) -> Router
where
    F: Future<Output = Result<(), &'static str>> + Send,
{
    let traced = limits
        .apply(routes)
        .layer(problem::catch_panic())
        .layer(trace);
    // If neither router has a fallback, the merged router has the default fallback of the second router, which is
    // traced.
    health(ready).merge(traced)
}
