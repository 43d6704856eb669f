//! What kept an answer away, as `error.type`.

use std::io::ErrorKind;

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
    let Some(error) = reqwest_error(error) else {
        return semconv::ERROR_OTHER;
    };
    let says = |text: &str| causes(error).any(|cause| cause.to_string().starts_with(text));
    // Before `timeout`: a connection that was not made in time has asked nothing of the server, which may well be quick.
    if error.is_dns() {
        "dns"
    } else if error.is_connect() {
        let is_tls = TLS.iter().any(|text| says(text));
        if is_tls { "tls" } else { "connect" }
    } else if error.is_timeout() {
        semconv::ERROR_TIMEOUT
    } else if is_reset(error) || says("connection closed before message completed") {
        "reset"
    } else if error.is_redirect() {
        "redirect"
    } else if error.is_body() || error.is_decode() || says("error from user's Body stream") {
        semconv::ERROR_BODY
    } else {
        semconv::ERROR_OTHER
    }
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

fn is_reset(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|error| {
            matches!(
                error.kind(),
                ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::UnexpectedEof
            )
        })
}
