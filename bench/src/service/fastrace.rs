//! The variant `fastrace`, set up as the READMEs of its crates show. Its client crate only sends the header
//! `traceparent`, so the CLIENT span and its attributes are created here.

use std::{borrow::Cow, time::Duration};

use fastrace::{collector::Config, future::FutureExt as _, prelude::Span};
use fastrace_axum::FastraceLayer;
use fastrace_opentelemetry::OpenTelemetryReporter;
use fastrace_reqwest::traceparent_headers;
use opentelemetry::InstrumentationScope;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use reqwest::Client;

use super::{Handlers, Run};

#[derive(Clone)]
struct Fastrace(Client);

impl Handlers for Fastrace {
    async fn call(&self, url: &str) -> anyhow::Result<String> {
        let span = Span::enter_with_local_parent("GET").with_properties(|| {
            [
                ("http.request.method", Cow::Borrowed("GET")),
                ("url.full", Cow::Owned(url.to_owned())),
                ("span.kind", Cow::Borrowed("client")),
            ]
        });
        let answer = async { self.0.get(url).headers(traceparent_headers()).send().await };
        let answer = answer.in_span(span).await?;
        Ok(answer.error_for_status()?.text().await?)
    }
}

pub(super) async fn run(run: Run) -> anyhow::Result<()> {
    let exporter = SpanExporter::builder().with_http().build()?;
    let resource = Resource::builder().with_service_name(run.name()).build();
    let reporter = OpenTelemetryReporter::new(
        exporter,
        Cow::Owned(resource),
        InstrumentationScope::builder("fastrace").build(),
    );
    // The export interval of the other variants; fastrace defaults to a second.
    let config = Config::default().report_interval(Duration::from_millis(500));
    fastrace::set_reporter(reporter, config);
    let router = run
        .router(Fastrace(Client::new()))
        .layer(FastraceLayer::default());
    let served = run.serve(router).await;
    tokio::task::spawn_blocking(fastrace::flush).await?;
    served
}
