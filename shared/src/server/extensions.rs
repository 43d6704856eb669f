//! What layers tell each other of a request: in its extensions, and in those of its response.

use std::{borrow::Cow, net::SocketAddr};

use opentelemetry::Context;
use tokio_util::sync::CancellationToken;

/// Names the failure behind a response, as a response extension: the server span takes it for `error.type` in place
/// of the status code.
///
/// For layers that answer in the handler's stead: [`crate::problem::catch_panic`] says `panic` with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorType(pub Cow<'static, str>);

/// A request extension: who is at the other end of the connection, for `network.peer.*` and `client.address`.
///
/// For servers without axum, and for whoever knows better, such as a front that speaks the PROXY protocol: it goes before
/// axum's [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo), which [`crate::serve`] sets. Whoever accepts the
/// connection sets it (`examples/hyper.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// A request extension of [`crate::serve`]: cancelled when requests under way are cut off, so that a span can tell its own
/// service's shutdown from a client that went away.
#[derive(Debug, Clone)]
pub(crate) struct CutOff(pub(crate) CancellationToken);

/// A request extension beside a server span: the context that the request runs in. A layer that finds it steps aside.
#[derive(Debug, Clone)]
pub(super) struct Traced(pub(super) Context);
