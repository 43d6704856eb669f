//! Replaces `framework` without the cargo feature `axum`: a request has only the extensions of this crate.

use std::net::SocketAddr;

use http::{Uri, request::Parts};

/// Never exists. The uninhabited type is private to avoid warnings about unreachable code elsewhere.
#[derive(Clone)]
pub(super) struct MatchedPath(Never);

#[derive(Clone)]
enum Never {}

impl MatchedPath {
    pub(super) fn as_str(&self) -> &str {
        match self.0 {}
    }
}

pub(super) fn peer(_: &Parts) -> Option<&SocketAddr> {
    None
}

pub(super) fn original_uri(_: &Parts) -> Option<&Uri> {
    None
}
