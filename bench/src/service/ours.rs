//! The variants of `shared`, set up as docs/lift.md shows. The environment variables of a variant decide what is
//! sampled and logged.

use std::time::Duration;

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use shared::{client::TraceMiddleware, server::TraceLayer, telemetry};

use super::{Handlers, Run};

#[derive(Clone)]
struct Ours(ClientWithMiddleware);

impl Handlers for Ours {
    async fn call(&self, url: &str) -> anyhow::Result<String> {
        let answer = self.0.get(url).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }
}

pub(super) async fn run(run: Run) -> anyhow::Result<()> {
    let telemetry = telemetry::init(run.name())?;
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(TraceMiddleware::new())
        .build();
    let router = run.router(Ours(client)).layer(TraceLayer::new());
    let served = run.serve_with_peers(router).await;
    telemetry.shutdown(Duration::from_secs(10)).await;
    served
}
