//! The extensions of requests and responses that layers and servers exchange.

use std::{borrow::Cow, net::SocketAddr};

use opentelemetry::Context;
use tokio_util::sync::CancellationToken;

/// A response extension with the reason why a request failed, recorded as the server span's `error.type` instead of the
/// status code.
///
/// Set by layers that respond in place of the handler, such as [`crate::problem::catch_panic`], which sets `panic`.
/// Handlers call [`crate::span::fail`] instead, which also accepts a description.
///
/// ```
/// use http::{Response, StatusCode};
/// use shared::server::ErrorType;
///
/// let mut response = Response::new("come back later");
/// *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
/// response.extensions_mut().insert(ErrorType("maintenance".into()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorType(pub Cow<'static, str>);

/// A request extension with the address of the connection's peer, for `network.peer.*` and `client.address`.
///
/// Set this extension where connections are accepted, on servers without axum (`examples/hyper.rs`) or behind a proxy
/// that sends the PROXY protocol. `PeerAddr` takes precedence over axum's `ConnectInfo<SocketAddr>`, which
/// [`crate::serve`] sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// A request extension with the matched route, such as `/check/{item_id}`, for the span's name, `http.route` and metrics.
///
/// Set this extension outside [`TraceLayer`](super::TraceLayer), on servers without axum (`examples/hyper.rs`) or to
/// override axum's `MatchedPath`. Never use the path instead of the route, since span names would then differ for each
/// item. Do not set the extension if no route matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route(pub Cow<'static, str>);

/// A request extension with a token that is cancelled when the server cuts off requests in flight. The token
/// distinguishes a shutdown of the service from a client that disconnected.
///
/// [`crate::serve`] sets this extension. A custom accept loop that drops requests at its shutdown deadline can set it
/// too.
#[derive(Debug, Clone)]
pub struct CutOff(pub CancellationToken);

/// A request extension with the context of a request that an outer layer traces already. A second layer does not trace
/// such a request again.
#[derive(Debug, Clone)]
pub(super) struct Traced(pub(super) Context);
