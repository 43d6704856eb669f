//! SERVER spans for any tower service: context extraction, semantic conventions, and all the ways in which a request
//! can end.
//!
//! Add [`TraceLayer`] to a router with `Router::layer`, as the outermost layer, so that it sees the responses of all
//! inner layers:
//!
//! ```
//! use axum::{Router, routing::get};
//! use shared::{problem, server::TraceLayer};
//!
//! async fn check() {}
//! async fn alive() {}
//!
//! let traced = Router::new()
//!     .route("/check/{item_id}", get(check))
//!     .fallback(problem::not_found)
//!     .layer(problem::catch_panic())
//!     .layer(TraceLayer::new());
//! let untraced = Router::new().route("/healthz", get(alive)); // health checks are not traced
//! let app: Router = traced.merge(untraced);
//! ```
//!
//! Give the traced router its own fallback. If neither the traced nor the untraced router has a fallback,
//! [`merge`](axum::Router::merge) uses the default fallback of the untraced router, and requests that match no route
//! have no span.
//!
//! If a request passes two trace layers, for example in a nested router, the outer layer traces the request and the
//! inner one does nothing. The layer cannot see middleware outside it: a request dropped by an outer timeout is
//! recorded as abandoned. Make timeouts, limits and [`crate::problem::catch_panic`] inner layers.
//!
//! Without axum, the code that accepts connections must describe each request in its extensions: [`PeerAddr`],
//! [`Route`] and, if the server can cut requests off, [`CutOff`].
//!
//! A request passes through the modules [`layer`](TraceLayer), [`service`](Trace), [`future`](ResponseFuture) and
//! [`body`](ResponseBody). The module `span` contains the guard that ends the span in every case.

mod access;
mod body;
mod extensions;
mod failure;
mod forwarded;
mod framework;
mod future;
mod layer;
mod metrics;
mod not_sampled;
mod options;
mod request;
mod route;
mod service;
mod span;

pub use self::{
    access::{Outcome, RequestEnd},
    body::ResponseBody,
    extensions::{CutOff, ErrorType, PeerAddr, Route},
    forwarded::ForwardedHeader,
    future::ResponseFuture,
    layer::TraceLayer,
    service::Trace,
};
