//! Spans that middleware creates inside the trace middleware are children of the attempt's client span.

use axum::{Router, routing::get};
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next, Result};
use shared::{client::TraceMiddleware, testing::recorder};

use crate::support::{bare_client, start};

/// Middleware inside the trace middleware that creates a span, like code that signs requests.
struct Signs;

#[async_trait::async_trait]
impl Middleware for Signs {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        tracing::info_span!("sign_request").in_scope(|| {});
        next.run(request, extensions).await
    }
}

#[tokio::test]
async fn inner_work_of_attempt_is_child_span() {
    recorder();
    let service = start(Router::new().route("/", get("hello"))).await;
    let client = ClientBuilder::new(bare_client())
        .with(TraceMiddleware::new())
        .with(Signs)
        .build();
    let (trace_id, response) = recorder()
        .in_trace("caller", client.get(service.url("/")).send())
        .await;
    assert_eq!(response.unwrap().status(), 200);
    let trace = recorder().trace(&trace_id, 3).await;
    assert_eq!(
        trace.tree(),
        "\
INTERNAL caller
  CLIENT GET
    INTERNAL sign_request
"
    );
}
