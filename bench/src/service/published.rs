//! The variants of the published crates for axum and reqwest, axum-tracing-opentelemetry and reqwest-tracing, set up as
//! their READMEs show.

use axum_tracing_opentelemetry::middleware::{OtelAxumLayer, OtelInResponseLayer};
use opentelemetry_0_32::{global, trace::TracerProvider as _};
use opentelemetry_otlp_0_32::SpanExporter;
use opentelemetry_sdk_0_32::{
    Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider,
};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use reqwest_tracing::TracingMiddleware;
use tracing_opentelemetry_0_33::OpenTelemetryLayer;
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use super::{Handlers, Run};
use crate::variant::Published;

#[derive(Clone)]
struct Pair {
    client: ClientWithMiddleware,
    logs: bool,
}

impl Handlers for Pair {
    async fn call(&self, url: &str) -> anyhow::Result<String> {
        let answer = self.client.get(url).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    fn served(&self) {
        if self.logs {
            tracing::info!("request served");
        }
    }
}

pub(super) async fn run(run: Run, published: Published) -> anyhow::Result<()> {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = SpanExporter::builder().with_http().build()?;
    let resource = Resource::builder().with_service_name(run.name()).build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build();
    let mut spans = OpenTelemetryLayer::new(provider.tracer("published"));
    if published == Published::Lean {
        spans = spans
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
    }
    let logs = published == Published::WithLog;
    let log = logs.then(|| tracing_subscriber::fmt::layer().json().boxed());
    tracing_subscriber::registry()
        .with(EnvFilter::new("info,otel::tracing=trace"))
        .with(log)
        .with(spans)
        .try_init()?;

    let client = ClientBuilder::new(reqwest::Client::new())
        .with(TracingMiddleware::default())
        .build();
    let router = run
        .router(Pair { client, logs })
        .layer(OtelInResponseLayer)
        .layer(OtelAxumLayer::default());
    let served = run.serve(router).await;
    tokio::task::spawn_blocking(move || provider.shutdown()).await??;
    served
}
