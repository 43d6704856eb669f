//! Redirects, and why a client of one's own should not follow each of them by itself.

use reqwest::{Url, redirect::Policy};

/// A redirect policy for `reqwest`: follows up to ten redirects on the host that was asked; one to another host is not
/// followed, and the caller gets it as the answer.
///
/// `reqwest` takes the headers of the first request along to wherever it is redirected, below every middleware. Its own
/// policy would so hand the baggage to hosts that [`TraceMiddleware::baggage_to`](super::TraceMiddleware::baggage_to) does
/// not name. The caller who goes on to the other host makes a call to a third party of it: a request like any other, with
/// a span and a decision of its own.
///
/// ```
/// # #[expect(clippy::disallowed_methods, reason = "the client that the middleware goes around")]
/// let client = reqwest::Client::builder().redirect(shared::client::same_host_redirects()).build()?;
/// # Ok::<_, reqwest::Error>(())
/// ```
pub fn same_host_redirects() -> Policy {
    Policy::custom(|attempt| {
        let from = attempt.previous().last().and_then(Url::host);
        if attempt.url().host() == from {
            Policy::default().redirect(attempt)
        } else {
            attempt.stop()
        }
    })
}
