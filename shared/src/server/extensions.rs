//! What layers tell each other of a request: in its extensions, and in those of its response.

use std::{borrow::Cow, net::SocketAddr};

use opentelemetry::Context;
use tokio_util::sync::CancellationToken;

/// Names the failure behind a response, as a response extension: the server span takes it for `error.type` in place
/// of the status code.
///
/// For layers that answer in the handler's stead: [`crate::problem::catch_panic`] says `panic` with it. A handler says it by
/// [`crate::span::fail`], with words for people as well.
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

/// A request extension: who is at the other end of the connection, for `network.peer.*` and `client.address`.
///
/// For servers without axum, and for whoever knows better, such as a front that speaks the PROXY protocol: it goes before
/// axum's `ConnectInfo<SocketAddr>`, which [`crate::serve`] sets. Whoever accepts the connection sets it
/// (`examples/hyper.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// A request extension: the route that matched, such as `/check/{item_id}`, for the span's name, `http.route` and the
/// metrics.
///
/// For servers without axum, and for whoever knows better: it goes before axum's `MatchedPath`. Whoever matches the route
/// sets it, above the layer (`examples/hyper.rs`). Never a path, which would make as many names as there are items; a request
/// that no route matched has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route(pub Cow<'static, str>);

/// A request extension: cancelled when requests under way are cut off, so that a span can tell its own service's shutdown
/// from a client that went away.
///
/// [`crate::serve`] sets it; so does whoever accepts connections without it, and stops waiting for those that have not ended
/// in time.
#[derive(Debug, Clone)]
pub struct CutOff(pub CancellationToken);

/// A request extension beside a server span: the context that the request runs in. A layer that finds it steps aside.
#[derive(Debug, Clone)]
pub(super) struct Traced(pub(super) Context);
