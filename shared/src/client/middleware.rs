//! Implements [`TraceMiddleware`] for `reqwest`.

use http::Extensions;
use opentelemetry::trace::{FutureExt as _, Status};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

use super::{
    TraceMiddleware, UrlTemplate,
    attempt::Head,
    error_type,
    request::{Outgoing, Traced},
    resend::Attempts,
};
use crate::internal::semconv;

#[async_trait::async_trait]
impl Middleware for TraceMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        if Traced::is_in(extensions) {
            return next.run(request, extensions).await;
        }
        let template = extensions.get::<UrlTemplate>().cloned();
        let attempt = self.start(Outgoing {
            method: request.method(),
            url: Some(request.url()),
            headers: request.headers(),
            version: request.version(),
            template: template.as_ref(),
            extensions: Some(extensions),
        });
        attempt.inject(request.headers_mut());

        extensions.insert(Traced::by(&attempt));
        let result = next
            .run(request, extensions)
            .with_context(attempt.context())
            .await;
        match &result {
            Ok(response) => {
                if semconv::client_status(response.status()) == Status::Unset {
                    Attempts::answered(extensions);
                }
                attempt.answered(&Head {
                    status: response.status(),
                    version: response.version(),
                    headers: response.headers(),
                    peer: response.remote_addr(),
                });
            }
            Err(error) => attempt.failed(error_type(error)),
        }
        result
    }
}
