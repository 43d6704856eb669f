//! The baseline: axum and reqwest without tracing.

use super::{Handlers, Run};

#[derive(Clone)]
struct Bare(reqwest::Client);

impl Handlers for Bare {
    async fn call(&self, url: &str) -> anyhow::Result<String> {
        let answer = self.0.get(url).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }
}

pub(super) async fn run(run: Run) -> anyhow::Result<()> {
    let router = run.router(Bare(reqwest::Client::new()));
    run.serve(router).await
}
