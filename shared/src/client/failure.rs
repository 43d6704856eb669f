//! What kept an answer away, as `error.type`.

use std::io::{self, ErrorKind};

use hyper_util::client::legacy;
use reqwest_middleware::Error;

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

/// A stable name for what kept the answer away: `timeout`, `dns`, `tls`, `connect`, `reset`, `redirect`, `body`, or
/// `_OTHER`.
///
/// The error's own text would have as many values as there are addresses. A failed handshake is `tls` with rustls, and
/// `connect` with native-tls. An error that a middleware has wrapped, as
/// retries do, is looked through where it names its source.
pub fn error_type(error: &Error) -> &'static str {
    reqwest_error(error).map_or(semconv::ERROR_OTHER, |error| name(error))
}

/// The same of the error of any client on hyper.
pub(super) fn name(error: &(dyn std::error::Error + 'static)) -> &'static str {
    let says = |text: &str| causes(error).any(|cause| cause.to_string().starts_with(text));
    let reqwest = causes(error).find_map(|cause| cause.downcast_ref::<reqwest::Error>());
    let is = |kind: fn(&reqwest::Error) -> bool| reqwest.is_some_and(kind);
    // Before `timeout`: a connection that was not made in time has asked nothing of the server, which may well be quick.
    if is(reqwest::Error::is_dns) || says("dns error") {
        "dns"
    } else if any(error, legacy::Error::is_connect) {
        let is_tls = TLS.iter().any(|text| says(text));
        if is_tls { "tls" } else { "connect" }
    } else if is(reqwest::Error::is_timeout) || any(error, is_late) {
        semconv::ERROR_TIMEOUT
    } else if any(error, is_reset) || says("connection closed before message completed") {
        "reset"
    } else if is(reqwest::Error::is_redirect) {
        "redirect"
    } else if is(reqwest::Error::is_body)
        || is(reqwest::Error::is_decode)
        || says("error from user's Body stream")
    {
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

fn reqwest_error(error: &Error) -> Option<&reqwest::Error> {
    match error {
        Error::Reqwest(error) => Some(error),
        Error::Middleware(error) => error.chain().find_map(|cause| {
            let nested = cause.downcast_ref::<Error>().and_then(reqwest_error);
            nested.or_else(|| cause.downcast_ref())
        }),
    }
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
