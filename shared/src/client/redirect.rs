//! The redirect policy of a traced client.

use reqwest::{Url, redirect::Policy};

/// A redirect policy for `reqwest` that follows up to ten redirects within the origin of the request: its scheme, host and
/// port. A redirect to another origin is not followed, and the caller gets it as the response.
///
/// `reqwest` sends the headers of the first request to every URL that it is redirected to, without asking a middleware: the
/// baggage, also to hosts that [`TraceMiddleware::baggage_to`](super::TraceMiddleware::baggage_to) does not name, and headers
/// such as `x-api-key`, and it adds a `Referer` with the query. Another port is another server, and `http` instead of `https`
/// can be read on the way. A caller that follows such a redirect makes a request like any other, with a span and a decision
/// on baggage of its own.
///
/// ```
/// # #[expect(clippy::disallowed_methods, reason = "the client that the middleware goes around")]
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

/// The former name of [`same_origin_redirects`].
#[doc(hidden)]
pub fn same_host_redirects() -> Policy {
    same_origin_redirects()
}
