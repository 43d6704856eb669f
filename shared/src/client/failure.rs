//! What kept an answer away, as `error.type`.

use std::io::{self, ErrorKind};

use hyper_util::client::legacy;

use super::reqwest;
use crate::{error::causes, semconv};

/// How the errors of `rustls` begin when a handshake fails. They are no type that this crate can name: TLS is the
/// application's choice.
const TLS: [&str; 5] = [
    "invalid peer certificate",
    "peer is incompatible",
    "peer misbehaved",
    "received corrupt message",
    "received fatal alert",
];

/// A stable name for the error of any client on hyper.
pub(super) fn name(error: &(dyn std::error::Error + 'static)) -> &'static str {
    let says = |text: &str| causes(error).any(|cause| cause.to_string().starts_with(text));
    let reqwest = reqwest::name(error);
    // Before `timeout`: a connection that was not made in time has asked nothing of the server, which may well be quick.
    if reqwest == Some(semconv::ERROR_DNS) || says("dns error") {
        semconv::ERROR_DNS
    } else if any(error, legacy::Error::is_connect) {
        let is_tls = TLS.iter().any(|text| says(text));
        if is_tls { "tls" } else { "connect" }
    } else if reqwest == Some(semconv::ERROR_TIMEOUT) || any(error, is_late) {
        semconv::ERROR_TIMEOUT
    } else if any(error, is_reset) || says("connection closed before message completed") {
        "reset"
    } else if let Some(name) = reqwest {
        name
    } else if says("error from user's Body stream") {
        semconv::ERROR_BODY
    } else {
        semconv::ERROR_OTHER
    }
}

/// Whether the error or one of its causes is an `E` of this kind.
fn any<E: std::error::Error + 'static>(
    error: &(dyn std::error::Error + 'static),
    kind: impl Fn(&E) -> bool,
) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<E>())
        .any(kind)
}

fn is_late(error: &io::Error) -> bool {
    error.kind() == ErrorKind::TimedOut
}

fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
    )
}
