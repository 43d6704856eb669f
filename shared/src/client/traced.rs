//! [`traced`]: a `reqwest` client that never was without its middleware.

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

use super::{TraceMiddleware, same_origin_redirects};

/// A `reqwest` client whose requests are spans and take their trace along: with [`TraceMiddleware`] as it is by default, and
/// with [`same_origin_redirects`]. `settings` has the last word on the client itself.
///
/// For all that need no other middleware. With retries, or with settings of the middleware's, build it as the
/// [module](super) shows.
///
/// ```
/// use std::time::Duration;
///
/// let client = shared::client::traced(|client| client.timeout(Duration::from_secs(2)))?;
/// let request = client.get("http://127.0.0.1:8081/check/item-123");
/// # drop(request);
/// # Ok::<_, reqwest::Error>(())
/// ```
///
/// # Errors
///
/// When `reqwest` cannot build the client: it says which setting is at fault, or that TLS cannot be had.
pub fn traced(
    settings: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<ClientWithMiddleware, reqwest::Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the client that the middleware goes around"
    )]
    let client = reqwest::Client::builder().redirect(same_origin_redirects());
    let client = settings(client).build()?;
    Ok(ClientBuilder::new(client)
        .with(TraceMiddleware::new())
        .build())
}
