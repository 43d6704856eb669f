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
//!     .layer(problem::catch_panic())
//!     .layer(TraceLayer::new());
//! let untraced = Router::new().route("/healthz", get(alive)); // plain: nobody wants its traces
//! let app: Router = traced.merge(untraced);
//! ```
//!
//! Of two layers on one request, as a nested router with its own brings, the outer one traces it and the inner one steps
//! aside. What is above the layer it cannot see: a timeout there drops the request, and looks like a caller who has
//! gone. Put timeouts, limits and [`crate::problem::catch_panic`] below it.
//!
//! A request goes through [`layer`](TraceLayer), [`service`](Trace), [`future`](ResponseFuture) and
//! [`body`](ResponseBody), a file each; `span` is the guard that all of them end in.

mod body;
mod failure;
mod forwarded;
mod future;
mod layer;
mod metrics;
mod request;
mod service;
mod span;

use std::borrow::Cow;

use opentelemetry::{Context, SpanId};
use tokio_util::sync::CancellationToken;

pub use self::{
    body::ResponseBody, forwarded::ForwardedHeader, future::ResponseFuture, layer::TraceLayer,
    service::Trace,
};

/// Names the failure behind a response, as a response extension: the server span takes it for `error.type` in place
/// of the status code.
///
/// For layers that answer in the handler's stead: [`crate::problem::catch_panic`] says `panic` with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorType(pub Cow<'static, str>);

/// A request extension of [`crate::serve`]: cancelled when requests under way are cut off, so that a span can tell its own
/// service's shutdown from a client that went away.
#[derive(Debug, Clone)]
pub(crate) struct CutOff(pub(crate) CancellationToken);

/// A request extension beside a server span: the context that the request runs in. A layer that finds it steps aside.
#[derive(Debug, Clone)]
struct Traced(Context);

/// A context value beside a server span: which span it is. How a request ends is for the layer to say; a panic in it may
/// be caught, and the answer a good one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestSpan(pub(crate) SpanId);
