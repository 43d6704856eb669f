//! Measures the extraction and injection of a trace context, compared with the SDK's propagator.

use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{Context, propagation::TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator as SdkPropagator;
use shared::propagation::{HeaderExtractor, HeaderInjector, TraceContextPropagator};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";

fn headers(tracestate: Option<&'static str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("127.0.0.1:8080"));
    headers.insert("traceparent", HeaderValue::from_static(TRACEPARENT));
    headers.extend(tracestate.map(|list| {
        let name = HeaderName::from_static("tracestate");
        (name, HeaderValue::from_static(list))
    }));
    headers
}

#[expect(
    clippy::disallowed_methods,
    reason = "the context comes with the headers"
)]
fn extract_and_inject(propagator: &dyn TextMapPropagator, incoming: &HeaderMap) -> HeaderMap {
    let cx = propagator.extract_with_context(&Context::new(), &HeaderExtractor(incoming));
    let mut outgoing = HeaderMap::with_capacity(4);
    propagator.inject_context(&cx, &mut HeaderInjector(&mut outgoing));
    outgoing
}

fn propagation(criterion: &mut Criterion) {
    let incoming = [
        ("traceparent", headers(None)),
        (
            "traceparent and tracestate",
            headers(Some("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")),
        ),
    ];
    let (ours, sdk) = (TraceContextPropagator::new(), SdkPropagator::new());
    let propagators: [(&str, &dyn TextMapPropagator); 2] = [("shared", &ours), ("sdk", &sdk)];
    for (what, incoming) in &incoming {
        let mut group = criterion.benchmark_group(format!("extract and inject {what}"));
        for (name, propagator) in propagators {
            let outgoing = extract_and_inject(propagator, incoming);
            assert!(outgoing.contains_key("traceparent"));
            group.bench_function(name, |bencher| {
                bencher.iter(|| extract_and_inject(propagator, incoming));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, propagation);
criterion_main!(benches);
