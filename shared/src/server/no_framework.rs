//! No framework: what is known of a request is in its own extensions.

use std::net::SocketAddr;

use http::{Uri, request::Parts};

/// Nobody has one. That is private, or the compiler would warn of the lines elsewhere that it never comes to.
#[derive(Clone)]
pub(super) struct MatchedPath(Nobodys);

#[derive(Clone)]
enum Nobodys {}

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
