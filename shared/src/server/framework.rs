//! The extensions that axum sets on requests. `no_framework` replaces this file without the cargo feature `axum`.

use std::net::SocketAddr;

pub(super) use axum::extract::MatchedPath;
use axum::extract::{ConnectInfo, OriginalUri};
use http::{Uri, request::Parts};

pub(super) fn peer(request: &Parts) -> Option<&SocketAddr> {
    Some(&request.extensions.get::<ConnectInfo<SocketAddr>>()?.0)
}

/// Returns the URI with the prefix that nested routers remove.
pub(super) fn original_uri(request: &Parts) -> Option<&Uri> {
    Some(&request.extensions.get::<OriginalUri>()?.0)
}
