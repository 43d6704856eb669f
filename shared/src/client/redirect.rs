//! The redirect policy of a traced client.

use reqwest::{Url, redirect::Policy};

/// Returns a redirect policy for `reqwest` that follows up to ten redirects within the origin of the request: its scheme, host
/// and port. Redirects to another origin are returned to the caller.
///
/// `reqwest` sends the headers of the first request to every URL that it is redirected to, without asking a middleware: the
/// baggage, also to hosts that [`TraceMiddleware::baggage_to`](super::TraceMiddleware::baggage_to) does not name, and headers
/// such as `x-api-key`, and it adds a `Referer` with the query. Another port is another server, and `http` instead of `https`
/// is not encrypted. If the caller follows such a redirect, its request has its own span, and `baggage_to` applies to it.
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
