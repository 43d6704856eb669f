//! The redirect policy of a traced client.

use reqwest::{Url, redirect::Policy};

/// Returns a redirect policy for `reqwest` that follows up to ten redirects within the origin of the request: its scheme, host
/// and port. Redirects to another origin are returned to the caller.
///
/// If `reqwest` follows a redirect, it sends the headers of the first request to the new URL without calling a
/// middleware again: the baggage, even to hosts that
/// [`TraceMiddleware::baggage_to`](super::TraceMiddleware::baggage_to) does not list, headers such as `x-api-key`, and
/// an additional `Referer` with the query. A different port belongs to a different server, and `http` instead of
/// `https` is not encrypted. If the caller requests the new URL itself, that request has its own span, and `baggage_to`
/// applies to it.
///
/// ```
/// # #[expect(clippy::disallowed_methods, reason = "the middleware is added to this client")]
/// let client = reqwest::Client::builder().redirect(shared::client::same_origin_redirects()).build()?;
/// # Ok::<_, reqwest::Error>(())
/// ```
pub fn same_origin_redirects() -> Policy {
    Policy::custom(|attempt| {
        let from = attempt.previous().last().map(Url::origin);
        if from.is_some_and(|from| from == attempt.url().origin()) {
            Policy::default().redirect(attempt)
        } else {
            attempt.stop()
        }
    })
}
