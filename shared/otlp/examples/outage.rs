//! Ends 100 spans per second for ten seconds and prints the span counters. Start and stop a collector meanwhile to see
//! how the exporter handles an outage:
//!
//! ```sh
//! cargo run -p otlp --example outage                                    # http://localhost:4318/v1/traces
//! cargo run -p otlp --example outage -- http://127.0.0.1:9999/v1/traces # nothing listens here
//! ```

use std::{env, error::Error, thread, time::Duration};

use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use otlp::{Batching, OtlpProcessor};

fn main() -> Result<(), Box<dyn Error>> {
    // Prints the exporter's log lines.
    tracing_subscriber::fmt().init();
    let endpoint = env::args().nth(1);
    let processor = OtlpProcessor::builder()
        .endpoint(endpoint.unwrap_or_else(|| "http://localhost:4318/v1/traces".to_owned()))
        .batching(Batching {
            queue_spans: Some(500),
            delay: Duration::from_secs(1),
            ..Batching::default()
        })
        .build()?;
    let provider = SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name("outage").build())
        .with_span_processor(processor.clone())
        .build();
    let tracer = provider.tracer("outage");
    for _ in 0..10 {
        for _ in 0..100 {
            tracer.start("work").end();
        }
        thread::sleep(Duration::from_secs(1));
        let counts = processor.counts();
        println!(
            "ended {}, exported {}, waiting {}, lost: {}",
            counts.ended, counts.exported, counts.waiting, counts.lost
        );
    }
    if let Err(error) = provider.shutdown_with_timeout(Duration::from_secs(2)) {
        println!("shutdown: {error}");
    }
    let counts = processor.counts();
    println!(
        "exported {} of {}, lost: {}",
        counts.exported, counts.ended, counts.lost
    );
    Ok(())
}
