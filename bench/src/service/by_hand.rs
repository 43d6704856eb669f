//! The variant `by-hand`: uses the OpenTelemetry API directly, with the attributes that `shared` records for a
//! successful request. The code does not handle panics, cancellation, the end of the body, tracestate rules or
//! redaction.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::header::{HOST, USER_AGENT},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use opentelemetry::{
    Context, KeyValue, global,
    trace::{
        FutureExt as _, SpanBuilder, SpanKind, TraceContextExt as _, Tracer as _,
        TracerProvider as _,
    },
};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider},
};
use reqwest::Client;

use super::{Handlers, Run};

#[derive(Clone)]
struct ByHand {
    client: Client,
    tracer: SdkTracer,
}

impl Handlers for ByHand {
    async fn call(&self, url: &str) -> anyhow::Result<String> {
        let mut request = self.client.get(url).build()?;
        let url = request.url();
        let attributes = vec![
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("url.full", url.to_string()),
            KeyValue::new("server.address", url.host_str().unwrap_or("").to_owned()),
            KeyValue::new("server.port", i64::from(url.port().unwrap_or(80))),
        ];
        let span = self
            .tracer
            .span_builder("GET")
            .with_kind(SpanKind::Client)
            .with_attributes(attributes);
        let parent = Context::current();
        let cx = parent.with_span(self.tracer.build_with_context(span, &parent));
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&cx, &mut HeaderInjector(request.headers_mut()));
        });
        let answer = self
            .client
            .execute(request)
            .with_context(cx.clone())
            .await?;
        let status = i64::from(answer.status().as_u16());
        let span = cx.span();
        span.set_attribute(KeyValue::new("http.response.status_code", status));
        span.set_attribute(KeyValue::new("network.protocol.version", "1.1"));
        if let Some(peer) = answer.remote_addr() {
            let (address, port) = (peer.ip().to_string(), i64::from(peer.port()));
            span.set_attribute(KeyValue::new("network.peer.address", address));
            span.set_attribute(KeyValue::new("network.peer.port", port));
        }
        span.end();
        Ok(answer.error_for_status()?.text().await?)
    }
}

async fn trace(State(tracer): State<SdkTracer>, request: Request, next: Next) -> Response {
    let parent = global::get_text_map_propagator(|propagator| {
        propagator.extract(&HeaderExtractor(request.headers()))
    });
    let cx = parent.with_span(tracer.build_with_context(span(&request), &parent));
    let response = next.run(request).with_context(cx.clone()).await;
    let status = i64::from(response.status().as_u16());
    cx.span()
        .set_attribute(KeyValue::new("http.response.status_code", status));
    cx.span().end();
    response
}

fn span(request: &Request) -> SpanBuilder {
    let method = request.method().as_str();
    let mut attributes = Vec::with_capacity(12);
    attributes.extend([
        KeyValue::new("http.request.method", method.to_owned()),
        KeyValue::new("url.path", request.uri().path().to_owned()),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("network.protocol.version", "1.1"),
    ]);
    let mut name = method.to_owned();
    if let Some(route) = request.extensions().get::<MatchedPath>() {
        name = format!("{method} {}", route.as_str());
        attributes.push(KeyValue::new("http.route", route.as_str().to_owned()));
    }
    let text = |name| request.headers().get(name)?.to_str().ok();
    if let Some((host, port)) = text(HOST).and_then(|host| host.split_once(':')) {
        attributes.push(KeyValue::new("server.address", host.to_owned()));
        let port = port.parse::<i64>();
        attributes.extend(port.map(|port| KeyValue::new("server.port", port)));
    }
    if let Some(agent) = text(USER_AGENT) {
        attributes.push(KeyValue::new("user_agent.original", agent.to_owned()));
    }
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        attributes.extend([
            KeyValue::new("client.address", peer.ip().to_string()),
            KeyValue::new("network.peer.address", peer.ip().to_string()),
            KeyValue::new("network.peer.port", i64::from(peer.port())),
        ]);
    }
    SpanBuilder::from_name(name)
        .with_kind(SpanKind::Server)
        .with_attributes(attributes)
}

pub(super) async fn run(run: Run) -> anyhow::Result<()> {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = SpanExporter::builder().with_http().build()?;
    let resource = Resource::builder().with_service_name(run.name()).build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build();
    let tracer = provider.tracer("by-hand");
    let handlers = ByHand {
        client: Client::new(),
        tracer: tracer.clone(),
    };
    let router = run
        .router(handlers)
        .layer(from_fn_with_state(tracer, trace));
    let served = run.serve_with_peers(router).await;
    tokio::task::spawn_blocking(move || provider.shutdown()).await??;
    served
}
