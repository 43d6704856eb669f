//! What a span costs whoever is traced, without HTTP and without its export: a request through the server layer and one
//! through the client layer, each recorded, not sampled, and with nobody to make spans.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    task::{Context as TaskContext, Poll, Waker},
    time::Duration,
};

use axum::extract::ConnectInfo;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
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
use shared::{client::ClientTraceLayer, propagation::TraceContextPropagator, server::TraceLayer};
use tower::{Layer as _, Service, service_fn};

type Body = Empty<&'static [u8]>;

/// Ended spans go nowhere.
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

/// As hyper and axum hand it over, but for the route, which only axum can set.
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

fn answer(_: Request<Body>) -> Ready<Result<Response<Body>, Infallible>> {
    ready(Ok(Response::new(Body::new())))
}

/// One request, to the end of its response: no runtime is measured with it.
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

fn server(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("server span");
    let mut bare = service_fn(answer);
    group.bench_function("none", |bencher| {
        bencher.iter_batched(
            incoming,
            |request| through(&mut bare, request),
            BatchSize::SmallInput,
        );
    });
    for (state, provider) in states() {
        let mut service = TraceLayer::new()
            .tracer_provider(&*provider)
            .layer(service_fn(answer));
        group.bench_function(state, |bencher| {
            bencher.iter_batched(
                incoming,
                // Its span ends with its body.
                |request| drop(through(&mut service, request)),
                BatchSize::SmallInput,
            );
        });
    }
}

fn client(criterion: &mut Criterion) {
    let outgoing = || request("http://127.0.0.1:8081/check/item-123");
    let mut group = criterion.benchmark_group("client span");
    let mut bare = service_fn(answer);
    group.bench_function("none", |bencher| {
        bencher.iter_batched(
            outgoing,
            |request| through(&mut bare, request),
            BatchSize::SmallInput,
        );
    });
    for (state, provider) in states() {
        let mut service = ClientTraceLayer::new()
            .tracer_provider(&*provider)
            .layer(service_fn(answer));
        group.bench_function(state, |bencher| {
            bencher.iter_batched(
                outgoing,
                |request| through(&mut service, request),
                BatchSize::SmallInput,
            );
        });
    }
}

fn spans(criterion: &mut Criterion) {
    global::set_text_map_propagator(TraceContextPropagator::new());
    server(criterion);
    client(criterion);
}

criterion_group!(benches, spans);
criterion_main!(benches);
