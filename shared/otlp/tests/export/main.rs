//! Tests the guarantees of `README.md` over real sockets, with an `SdkTracerProvider` and without the rest of `shared`.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]
#![expect(
    clippy::disallowed_methods,
    reason = "the threads and tasks of a collector are in no trace"
)]

mod builder;
mod collector;
#[cfg(feature = "grpc")]
mod grpc;
mod losses;
mod outages;

use std::{
    thread,
    time::{Duration, Instant},
};

use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use otlp::{Batching, Builder, OtlpProcessor};

use self::collector::Protocol;

/// Maximum time to wait for a condition.
const PATIENCE: Duration = Duration::from_mins(1);

/// Returns a builder whose processor exports spans immediately.
fn builder(protocol: Protocol, address: std::net::SocketAddr) -> Builder {
    let builder = OtlpProcessor::builder().batching(Batching {
        delay: Duration::from_millis(1),
        ..Batching::default()
    });
    match protocol {
        Protocol::Http => builder.endpoint(format!("http://{address}/v1/traces")),
        #[cfg(feature = "grpc")]
        Protocol::Grpc => builder
            .protocol(otlp::Protocol::Grpc)
            .endpoint(format!("http://{address}")),
    }
}

fn provider(processor: &OtlpProcessor) -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name("shop").build())
        .with_span_processor(processor.clone())
        .build()
}

fn end_spans(provider: &SdkTracerProvider, names: impl IntoIterator<Item = String>) {
    let tracer = provider.tracer("test");
    for name in names {
        tracer.start(name).end();
    }
}

fn names(numbers: std::ops::Range<u32>) -> impl Iterator<Item = String> {
    numbers.map(|number| format!("span {number}"))
}

/// Waits until the condition is met. Panics after `PATIENCE`.
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(2));
    }
}
