//! Panics and log lines in custom processors, exporters and layers.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanExporter, SpanProcessor},
};
use shared::telemetry;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    Layer,
    layer::{Context as LayerContext, SubscriberExt as _},
    registry,
};

use crate::{
    lifecycle::{SMALL_QUEUE, end_large_span, end_span},
    process::{run, shut_down},
};

/// A span processor that panics in each method.
#[derive(Debug)]
struct Panics;

impl SpanProcessor for Panics {
    fn on_start(&self, _: &mut Span, _: &Context) {
        panic!("at the start");
    }

    fn on_end(&self, _: SpanData) {
        panic!("at the end");
    }

    fn force_flush(&self) -> OTelSdkResult {
        panic!("in a flush");
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        panic!("at shutdown");
    }
}

#[test]
fn panic_in_own_processor_is_contained() {
    let Some(outcome) = run(&[], async || {
        let builder = telemetry::builder("ends").span_processor(Panics);
        let telemetry = builder.init().unwrap();
        end_span("one");
        assert_eq!(shut_down(telemetry).await.exported, 1);
    }) else {
        return;
    };
    assert_eq!(outcome.names(), ["one"]);
    let logs = outcome.logs();
    for message in ["at the start", "at the end", "at shutdown"] {
        assert!(logs.iter().any(|log| log["exception.message"] == message));
    }
}

/// An exporter that panics on its first export, and then prints the names of spans.
#[derive(Debug, Default)]
struct PanicsOnce(AtomicBool);

impl SpanExporter for PanicsOnce {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        assert!(self.0.swap(true, Ordering::Relaxed), "expected");
        for span in batch {
            println!("exported {}", span.name);
        }
        Ok(())
    }
}

#[test]
fn own_exporter_goes_on_after_panic() {
    let Some(outcome) = run(&[("OTEL_TRACES_EXPORTER", "none")], async || {
        let builder = telemetry::builder("ends").span_exporter(PanicsOnce::default());
        let (telemetry, parts) = builder.build().unwrap();
        let provider = parts.tracer_provider().unwrap().clone();
        parts.install();
        end_span("one");
        provider.force_flush().unwrap_err();
        end_span("two");
        provider.force_flush().unwrap();
        shut_down(telemetry).await;
    }) else {
        return;
    };
    assert!(outcome.lines().contains(&"exported two"));
}

/// A `tracing` layer that panics on each log line of the exporter.
struct PanicsOnExport;

impl<S: Subscriber> Layer<S> for PanicsOnExport {
    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        assert!(!event.metadata().target().starts_with("otlp"), "expected");
    }
}

#[test]
fn export_goes_on_after_panic_of_layer() {
    let Some(outcome) = run(&SMALL_QUEUE, async || {
        let builder = telemetry::builder("ends");
        let telemetry = builder.init_on(registry().with(PanicsOnExport)).unwrap();
        for _ in 0..3 {
            end_large_span();
            thread::sleep(Duration::from_millis(1));
        }
        end_span("one");
        let counts = shut_down(telemetry).await;
        assert_eq!((counts.exported, counts.lost.too_large), (1, 3));
    }) else {
        return;
    };
    assert_eq!(outcome.names(), ["one"]);
}

/// A `tracing` layer that creates a span and a log line for each log line of the exporter.
struct LogsOnExport;

impl<S: Subscriber> Layer<S> for LogsOnExport {
    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        if event.metadata().target().starts_with("otlp") {
            end_span("seen");
            tracing::info!("seen");
        }
    }
}

#[test]
fn layer_may_log_and_trace_lines_of_exporter() {
    let Some(outcome) = run(&SMALL_QUEUE, async || {
        let builder = telemetry::builder("ends");
        let (telemetry, parts) = builder.build().unwrap();
        let provider = parts.tracer_provider().unwrap().clone();
        let subscriber = registry().with(LogsOnExport).with(parts.log_layer());
        tracing::subscriber::set_global_default(subscriber).unwrap();
        parts.install();
        end_large_span();
        while telemetry.spans().ended < 2 {
            thread::yield_now();
        }
        provider.force_flush().unwrap_err();
        assert_eq!(shut_down(telemetry).await.exported, 1);
    }) else {
        return;
    };
    assert_eq!(outcome.names(), ["seen"]);
    outcome.log("seen");
}
