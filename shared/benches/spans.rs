//! Measures the cost of a span without HTTP and without export: a request through the server layer and a request
//! through the client layer, each with a recorded span, with an unsampled span, and without a tracer provider.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    task::{Context as TaskContext, Poll, Waker},
    time::Duration,
};

use axum::extract::ConnectInfo;
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use http::{Request, Response, header};
use http_body_util::Empty;
use opentelemetry::{
    Context,
    global::{self, ObjectSafeTracerProvider},
    trace::noop::NoopTracerProvider,
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use shared::{
    client::ClientTraceLayer, propagation::TraceContextPropagator, server::TraceLayer, telemetry,
};
use tower::{Layer as _, Service, service_fn};
use tracing_subscriber::layer::SubscriberExt as _;

type Body = Empty<&'static [u8]>;
type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// Discards ended spans.
#[derive(Debug)]
struct Discard;

impl SpanProcessor for Discard {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn provider(sampler: Sampler) -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_sampler(sampler)
        .with_span_processor(Discard)
        .build()
}

fn states() -> [(&'static str, Box<dyn ObjectSafeTracerProvider>); 3] {
    [
        ("sampled", Box::new(provider(Sampler::AlwaysOn))),
        ("not sampled", Box::new(provider(Sampler::AlwaysOff))),
        ("disabled", Box::new(NoopTracerProvider::new())),
    ]
}

fn request(uri: &str) -> Request<Body> {
    let mut request = Request::new(Body::new());
    *request.uri_mut() = uri.parse().expect("the bench's own URI");
    request
}

/// Returns a request as hyper and axum create it, except for the matched route, which only axum can set.
fn incoming() -> Request<Body> {
    let mut request = request("/check/item-123");
    let headers = request.headers_mut();
    headers.insert(
        header::HOST,
        header::HeaderValue::from_static("127.0.0.1:8081"),
    );
    headers.insert(
        "traceparent",
        header::HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    );
    let peer = SocketAddr::from(([127, 0, 0, 1], 40_000));
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

fn outgoing() -> Request<Body> {
    request("http://127.0.0.1:8081/check/item-123")
}

fn answer(_: Request<Body>) -> Ready<Result<Response<Body>, Infallible>> {
    ready(Ok(Response::new(Body::new())))
}

/// Polls the service without a runtime, so that only the layer is measured.
fn through<S>(service: &mut S, request: Request<Body>) -> S::Response
where
    S: Service<Request<Body>, Error = Infallible>,
{
    let future = std::pin::pin!(service.call(request));
    match future.poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => unreachable!("the service answers at once"),
    }
}

/// Measures sequential requests until the end of the response body, when the server span ends.
fn measure<S>(group: &mut Group<'_>, state: &str, request: fn() -> Request<Body>, mut service: S)
where
    S: Service<Request<Body>, Error = Infallible>,
{
    group.bench_function(state, |bencher| {
        bencher.iter_batched(
            request,
            |request| drop(through(&mut service, request)),
            BatchSize::SmallInput,
        );
    });
}

fn server(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("server span");
    measure(&mut group, "none", incoming, service_fn(answer));
    for (state, provider) in states() {
        let layer = TraceLayer::new().tracer_provider(&*provider);
        measure(&mut group, state, incoming, layer.layer(service_fn(answer)));
    }
}

/// Like [`server`], but with telemetry's span layer, which also makes the span of each request the current `tracing`
/// span.
fn current_span(criterion: &mut Criterion) {
    let (_telemetry, parts) = telemetry::builder(shared::service!())
        .log(false)
        .build()
        .expect("the defaults can be set up");
    let subscriber = tracing_subscriber::registry().with(parts.span_layer());
    tracing::subscriber::set_global_default(subscriber).expect("the bench has no other");
    let mut group = criterion.benchmark_group("server span as current tracing span");
    for (state, provider) in states() {
        let layer = TraceLayer::new().tracer_provider(&*provider);
        measure(&mut group, state, incoming, layer.layer(service_fn(answer)));
    }
}

fn client(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("client span");
    measure(&mut group, "none", outgoing, service_fn(answer));
    for (state, provider) in states() {
        let layer = ClientTraceLayer::new().tracer_provider(&*provider);
        measure(&mut group, state, outgoing, layer.layer(service_fn(answer)));
    }
}

fn spans(criterion: &mut Criterion) {
    global::set_text_map_propagator(TraceContextPropagator::new());
    server(criterion);
    client(criterion);
    current_span(criterion);
}

criterion_group!(benches, spans);
criterion_main!(benches);
