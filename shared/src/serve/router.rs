//! [`router`]: the layers of a service in the right order.

use axum::Router;

use super::{Limits, health, problem};
use crate::server::TraceLayer;

/// Returns the router of a service: `routes` with the request limits, panics as problems, and traces, next to the health
/// endpoints.
///
/// From the inside out, a request passes:
///
/// 1. the layers that `routes` has already
/// 2. the request limits of [`Limits::apply`], so that a rejected request does not reach the handler
/// 3. [`problem::catch_panic`], also for panics of those layers
/// 4. `trace`, whose span has the final response and its `error.type`
///
/// The endpoints of [`health`] pass none of these, so they always answer and are not traced. `ready` is called by `/readyz`.
/// Requests that match no route have a span, too. Add further routes that are not traced with [`Router::merge`]; give `routes` a
/// fallback then, since a merged router replaces the default one.
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
    // If neither router has a fallback, the merged router has that of the second, which is traced.
    health(ready).merge(traced)
}
