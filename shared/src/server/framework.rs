//! What axum has noted on a request. Without the cargo feature `axum` nobody has (`no_framework`).

use std::net::SocketAddr;

pub(super) use axum::extract::MatchedPath;
use axum::extract::{ConnectInfo, OriginalUri};
use http::{Uri, request::Parts};

pub(super) fn peer(request: &Parts) -> Option<&SocketAddr> {
    Some(&request.extensions.get::<ConnectInfo<SocketAddr>>()?.0)
}

/// Before a router has taken from it what a nested one is not to see.
pub(super) fn original_uri(request: &Parts) -> Option<&Uri> {
    Some(&request.extensions.get::<OriginalUri>()?.0)
}
