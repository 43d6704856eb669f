//! What axum has noted on a request. Without the cargo feature `axum` nobody has (`no_framework`).

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, MatchedPath, OriginalUri};
use http::{Uri, request::Parts};

/// There for a layer that a router was given with `Router::layer`.
pub(super) fn route(request: &Parts) -> Option<&str> {
    request
        .extensions
        .get::<MatchedPath>()
        .map(MatchedPath::as_str)
}

pub(super) fn peer(request: &Parts) -> Option<&SocketAddr> {
    Some(&request.extensions.get::<ConnectInfo<SocketAddr>>()?.0)
}

/// Before a router has taken from it what a nested one is not to see.
pub(super) fn original_uri(request: &Parts) -> Option<&Uri> {
    Some(&request.extensions.get::<OriginalUri>()?.0)
}
