//! Custom exporters, processors and samplers, in addition to OTLP.

use std::{
    sync::mpsc::{Sender, channel},
    time::Duration,
};

use opentelemetry::{
    Context, KeyValue, TraceId, global,
    trace::{Link, Span as _, SpanKind, TraceState, Tracer as _},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{
        Sampler, SamplingDecision, SamplingResult, ShouldSample, Span, SpanData, SpanExporter,
        SpanProcessor,
    },
};
use shared::{server::TraceLayer, telemetry};

use crate::process::{request, run, shut_down};

/// An exporter that prints the names of spans.
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
fn custom_exporter_gets_every_span() {
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
fn custom_exporter_can_be_only_exporter() {
    let child = async || {
        let telemetry = telemetry::builder("one-way").log(false);
        let telemetry = telemetry.span_exporter(Prints).init().unwrap();
        global::tracer("setup").start("one").end();
        request(&TraceLayer::new(), "/").await;
        assert_eq!(
            shut_down(telemetry).await.ended,
            0,
            "custom exporters are not counted"
        );
    };
    let Some(outcome) = run(&[("OTEL_TRACES_EXPORTER", "none")], child) else {
        return;
    };
    assert_eq!(outcome.lines(), ["exported one", "exported GET"]);
    assert_eq!(outcome.names(), [""; 0]);
}

/// An exporter that sends the names of spans to a channel.
#[derive(Debug)]
struct Sends(Sender<String>);

impl SpanExporter for Sends {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        for span in batch {
            self.0.send(span.name.into_owned()).unwrap();
        }
        Ok(())
    }
}

#[test]
fn custom_exporter_is_flushed_without_collector() {
    let child = async || {
        let (sender, exported) = channel();
        let telemetry = telemetry::builder("half-way").span_exporter(Sends(sender));
        let telemetry = telemetry.init().unwrap();
        global::tracer("setup").start("last").end();
        let counts = telemetry.shutdown(Duration::from_millis(200)).await;
        assert_eq!(counts.lost.shutdown, 1);
        let name = exported.recv_timeout(Duration::from_secs(30)).unwrap();
        assert_eq!(name, "last");
    };
    // An address without a listener.
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")];
    run(&variables, child);
}

/// A span processor that adds an attribute to every span when it starts, and prints the names of ended spans.
#[derive(Debug)]
pub(crate) struct Marks;

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

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        println!("shut down");
        Ok(())
    }
}

#[test]
fn custom_processor_attributes_are_exported() {
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
fn custom_sampler_overrides_environment_with_warning() {
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
    let expected = "OTEL_TRACES_SAMPLER has no effect: the program sets its own sampler";
    assert_eq!(outcome.warnings(), [expected]);
}

/// A sampler that samples only requests for `/wanted`.
#[derive(Debug, Clone)]
struct Wanted;

impl ShouldSample for Wanted {
    fn should_sample(
        &self,
        _parent: Option<&Context>,
        _trace_id: TraceId,
        _name: &str,
        _kind: &SpanKind,
        attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let wanted = KeyValue::new("url.path", "/wanted");
        SamplingResult {
            decision: if attributes.contains(&wanted) {
                SamplingDecision::RecordAndSample
            } else {
                SamplingDecision::Drop
            },
            attributes: vec![KeyValue::new("sampled.by", "path")],
            trace_state: TraceState::default(),
        }
    }
}

#[test]
fn custom_sampler_sees_request_attributes() {
    let child = async || {
        let telemetry = telemetry::builder("sampled").sampler(Wanted);
        let telemetry = telemetry.init().unwrap();
        for path in ["/unwanted", "/wanted", "/"] {
            request(&TraceLayer::new(), path).await;
        }
        assert_eq!(shut_down(telemetry).await.exported, 1);
    };
    let Some(outcome) = run(&[], child) else {
        return;
    };
    let [span] = &outcome.spans()[..] else {
        panic!("one span");
    };
    let mut keys = span.attributes.iter().map(|attribute| &attribute.key);
    assert!(keys.any(|key| key == "sampled.by"), "{span:?}");
}
