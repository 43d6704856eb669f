//! Reads the extensions that axum sets on requests. Without the cargo feature `axum`, all functions return `None`.

use std::net::SocketAddr;

#[cfg(feature = "axum")]
use axum::extract::{ConnectInfo, OriginalUri};
use http::{Uri, request::Parts};

#[cfg(feature = "axum")]
pub(super) fn peer(request: &Parts) -> Option<&SocketAddr> {
    Some(&request.extensions.get::<ConnectInfo<SocketAddr>>()?.0)
}

#[cfg(not(feature = "axum"))]
pub(super) fn peer(_: &Parts) -> Option<&SocketAddr> {
    None
}

/// Returns the original URI of a request, including the prefix that nested routers remove.
#[cfg(feature = "axum")]
pub(super) fn original_uri(request: &Parts) -> Option<&Uri> {
    Some(&request.extensions.get::<OriginalUri>()?.0)
}

#[cfg(not(feature = "axum"))]
pub(super) fn original_uri(_: &Parts) -> Option<&Uri> {
    None
}
