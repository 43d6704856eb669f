//! SERVER spans for any tower service: extraction, conventions, and every way a request can end.
//!
//! [`TraceLayer`] goes on a router with `Router::layer`, outermost, so that it sees what the layers below it answer:
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
//! let untraced = Router::new().route("/healthz", get(alive)); // plain: nobody wants its traces
//! let app: Router = traced.merge(untraced);
//! ```
//!
//! The traced router has a fallback of its own: where neither has one, [`merge`](axum::Router::merge) takes that of the
//! untraced router, and a request that no route matches leaves no span.
//!
//! Of two layers on one request, as a nested router with its own brings, the outer one traces it and the inner one steps
//! aside. What is above the layer it cannot see: a timeout there drops the request, and looks like a caller who has
//! gone. Put timeouts, limits and [`crate::problem::catch_panic`] below it.
//!
//! On a server without axum whoever accepts connections tells the layer what it knows of a request: [`PeerAddr`], [`Route`]
//! and, where it cuts requests off, [`CutOff`].
//!
//! A request goes through [`layer`](TraceLayer), [`service`](Trace), [`future`](ResponseFuture) and
//! [`body`](ResponseBody), a file each; `span` is the guard that all of them end in.

mod access;
mod body;
mod extensions;
mod failure;
mod forwarded;
#[cfg_attr(not(feature = "axum"), path = "no_framework.rs")]
mod framework;
mod future;
mod layer;
mod metrics;
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
