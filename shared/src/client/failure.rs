//! Names for the causes of requests that failed without a response, recorded as `error.type`.

use std::io::{self, ErrorKind};

use hyper_util::client::legacy;

use crate::{error::causes, internal::semconv};

/// Prefixes of the messages of `rustls` errors for failed handshakes. This crate compares messages instead of types,
/// since it does not depend on a TLS library.
const TLS_ERROR_PREFIXES: [&str; 5] = [
    "invalid peer certificate",
    "peer is incompatible",
    "peer misbehaved",
    "received corrupt message",
    "received fatal alert",
];

/// Returns a stable name for an error of any client that is based on hyper.
pub(super) fn name(error: &(dyn std::error::Error + 'static)) -> &'static str {
    let says = |text: &str| causes(error).any(|cause| cause.to_string().starts_with(text));
    let reqwest = reqwest_name(error);
    // Connection errors take precedence over `timeout`: if connecting timed out, the server has received no request.
    if reqwest == Some(semconv::ERROR_DNS) || says("dns error") {
        semconv::ERROR_DNS
    } else if any(error, legacy::Error::is_connect) {
        let is_tls = TLS_ERROR_PREFIXES.iter().any(|text| says(text));
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

/// Returns the name of an error that `reqwest` itself has classified.
#[cfg(feature = "reqwest")]
fn reqwest_name(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let error = causes(error).find_map(|cause| cause.downcast_ref::<reqwest::Error>())?;
    if error.is_dns() {
        Some(semconv::ERROR_DNS)
    } else if error.is_timeout() {
        Some(semconv::ERROR_TIMEOUT)
    } else if error.is_redirect() {
        Some("redirect")
    } else if error.is_body() || error.is_decode() {
        Some(semconv::ERROR_BODY)
    } else {
        None
    }
}

#[cfg(not(feature = "reqwest"))]
fn reqwest_name(_: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    None
}

/// Returns whether the error or one of its causes has the type `E` and satisfies the predicate.
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
