//! Exporters, processors and samplers of one's own, beside OTLP.

use opentelemetry::{
    Context, KeyValue, global,
    trace::{Span as _, Tracer as _},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Sampler, Span, SpanData, SpanExporter, SpanProcessor},
};
use shared::telemetry;

use crate::process::{run, shut_down};

/// Prints the names of the spans that it is given.
#[derive(Debug)]
struct Prints;

impl SpanExporter for Prints {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        for span in batch {
            println!("exported {}", span.name);
        }
        Ok(())
    }
}

#[test]
fn exporter_of_ones_own_gets_every_span_too_and_the_books_count_it_once() {
    let child = async || {
        let telemetry = telemetry::builder("two-ways").log(false);
        let telemetry = telemetry.span_exporter(Prints).init().unwrap();
        let tracer = global::tracer("setup");
        tracer.start("one").end();
        tracer.start("two").end();
        let counts = shut_down(telemetry).await;
        assert_eq!((counts.ended, counts.exported), (2, 2));
        assert_eq!(counts, telemetry::spans());
    };
    let Some(outcome) = run(&[], child) else {
        return;
    };
    assert_eq!(outcome.lines(), ["exported one", "exported two"]);
    assert_eq!(outcome.names(), ["one", "two"]);
}

#[test]
fn exporter_of_ones_own_may_be_the_only_one() {
    let child = async || {
        let telemetry = telemetry::builder("one-way").log(false);
        let telemetry = telemetry.span_exporter(Prints).init().unwrap();
        global::tracer("setup").start("one").end();
        assert_eq!(shut_down(telemetry).await.ended, 0, "there are no books");
    };
    let Some(outcome) = run(&[("OTEL_TRACES_EXPORTER", "none")], child) else {
        return;
    };
    assert_eq!(outcome.lines(), ["exported one"]);
    assert_eq!(outcome.names(), [""; 0]);
}

/// Marks every span when it starts, and notes the names of those that end.
#[derive(Debug)]
struct Marks;

impl SpanProcessor for Marks {
    fn on_start(&self, span: &mut Span, _cx: &Context) {
        span.set_attribute(KeyValue::new("tenant", "north"));
    }

    fn on_end(&self, span: SpanData) {
        println!("ended {}", span.name);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: std::time::Duration) -> OTelSdkResult {
        println!("shut down");
        Ok(())
    }
}

#[test]
fn processor_of_ones_own_sees_every_span_and_its_attributes_are_exported() {
    let child = async || {
        let telemetry = telemetry::builder("marked").log(false);
        let telemetry = telemetry.span_processor(Marks).init().unwrap();
        global::tracer("setup").start("span").end();
        shut_down(telemetry).await;
    };
    let Some(outcome) = run(&[], child) else {
        return;
    };
    assert_eq!(outcome.lines(), ["ended span", "shut down"]);
    let [span] = &outcome.spans()[..] else {
        panic!("one span");
    };
    assert_eq!(span.attributes[0].key, "tenant");
}

#[test]
fn sampler_of_ones_own_replaces_that_of_the_environment_which_is_told() {
    let variables = [("OTEL_TRACES_SAMPLER", "always_on")];
    let child = async || {
        let telemetry = telemetry::builder("sampled").sampler(Sampler::AlwaysOff);
        let telemetry = telemetry.init().unwrap();
        global::tracer("setup").start("span").end();
        assert_eq!(shut_down(telemetry).await.ended, 0);
    };
    let Some(outcome) = run(&variables, child) else {
        return;
    };
    assert_eq!(outcome.names(), [""; 0]);
    let expected =
        "OTEL_TRACES_SAMPLER is set, but the program brings a sampler of its own: it has no effect";
    assert_eq!(outcome.warnings(), [expected]);
}
