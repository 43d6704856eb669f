//! No framework: what is known of a request is in its own extensions.

use std::net::SocketAddr;

use http::{Uri, request::Parts};

pub(super) fn route(_: &Parts) -> Option<&str> {
    None
}

pub(super) fn peer(_: &Parts) -> Option<&SocketAddr> {
    None
}

pub(super) fn original_uri(_: &Parts) -> Option<&Uri> {
    None
}
