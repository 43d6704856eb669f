//! [`traced`]: a `reqwest` client with [`TraceMiddleware`].

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

use super::{TraceMiddleware, same_origin_redirects};

/// Builds a `reqwest` client that creates a span for each request and propagates the trace, with the defaults of
/// [`TraceMiddleware`] and with [`same_origin_redirects`]. `settings` can override all settings of the `reqwest`
/// client, including the redirect policy.
///
/// To add retries or to change the settings of the middleware, build the client as shown in the [module](super).
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
/// Returns the error of `reqwest` if the client cannot be built, for example because a setting is invalid or TLS cannot
/// be initialized.
pub fn traced(
    settings: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<ClientWithMiddleware, reqwest::Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the middleware is added to this client"
    )]
    let client = reqwest::Client::builder().redirect(same_origin_redirects());
    let client = settings(client).build()?;
    Ok(ClientBuilder::new(client)
        .with(TraceMiddleware::new())
        .build())
}
