//! The resource of a process: its defaults, and the precedence of environment variables.

use std::collections::HashMap;

use opentelemetry::{KeyValue, global, trace::Tracer as _};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest, common::v1::any_value::Value,
};
use prost::Message as _;
use shared::telemetry::{self, Service};
use uuid::Uuid;

use crate::process::{Outcome, run, shut_down};

async fn one_span(service: Service) {
    let telemetry = telemetry::init(service).unwrap();
    global::tracer("setup").start("span");
    shut_down(telemetry).await;
}

fn resource(outcome: &Outcome) -> HashMap<String, String> {
    let [resource] = &outcome.resources()[..] else {
        panic!("one export");
    };
    resource.clone()
}

#[test]
fn resource_has_crate_version_and_instance_id() {
    let run = || run(&[], async || one_span(shared::service!()).await);
    let Some(one) = run() else {
        return;
    };
    let other = run().unwrap();
    let (one, other) = (resource(&one), resource(&other));
    for resource in [&one, &other] {
        assert_eq!(resource["service.name"], "shared");
        assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
        let id = Uuid::parse_str(&resource["service.instance.id"]).unwrap();
        assert_eq!(id.get_version_num(), 4);
    }
    assert_ne!(one["service.instance.id"], other["service.instance.id"]);
}

#[test]
fn service_of_name_has_no_version() {
    let Some(outcome) = run(&[], async || one_span("named".into()).await) else {
        return;
    };
    let resource = resource(&outcome);
    assert_eq!(resource["service.name"], "named");
    assert!(resource.contains_key("service.instance.id"));
    assert_eq!(resource.get("service.version"), None);
}

#[test]
fn environment_overrides_resource_of_code() {
    let service = || {
        shared::service!("from-code")
            .version("1")
            .instance_id("from-code-0")
            .attributes([
                KeyValue::new("service.namespace", "shop"),
                KeyValue::new("team", "a"),
            ])
            .attributes([KeyValue::new("region", "north")])
    };
    let variables = [(
        "OTEL_RESOURCE_ATTRIBUTES",
        "service.version=2,service.instance.id=pod-7,team=b,zone=z",
    )];
    let Some(outcome) = run(&variables, async || one_span(service()).await) else {
        return;
    };
    let resource = resource(&outcome);
    for (key, value) in [
        ("service.name", "from-code"),
        ("service.version", "2"),
        ("service.instance.id", "pod-7"),
        ("service.namespace", "shop"),
        ("team", "b"),
        ("region", "north"),
        ("zone", "z"),
    ] {
        assert_eq!(resource[key], value, "{key}");
    }
    assert_eq!(outcome.log("telemetry initialized")["service"], "from-code");
}

#[test]
fn metrics_and_spans_have_same_instance_id() {
    let variables = [("OTEL_METRICS_EXPORTER", "otlp")];
    let child = async || {
        let telemetry = telemetry::init("measured").unwrap();
        global::meter("setup")
            .u64_counter("orders")
            .build()
            .add(1, &[]);
        global::tracer("setup").start("span");
        shut_down(telemetry).await;
    };
    let Some(outcome) = run(&variables, child) else {
        return;
    };
    let bodies = outcome.bodies("/v1/metrics");
    let request = ExportMetricsServiceRequest::decode(bodies[0]).unwrap();
    let attributes = &request.resource_metrics[0]
        .resource
        .as_ref()
        .unwrap()
        .attributes;
    let id = attributes.iter().find(|it| it.key == "service.instance.id");
    let id = id.unwrap().value.clone().unwrap().value.unwrap();
    let span_id = resource(&outcome)["service.instance.id"].clone();
    assert_eq!(id, Value::StringValue(span_id));
}

#[test]
fn start_line_describes_service_and_its_telemetry() {
    let Some(outcome) = run(
        &[
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_PROPAGATORS", "b3,tracecontext"),
        ],
        async || {
            let service = Service::from("shop")
                .version("1.4.2")
                .commit(Some("0af7651"));
            drop(telemetry::init(service).unwrap());
        },
    ) else {
        return;
    };
    let start = outcome.log("telemetry initialized");
    assert_eq!(start["service"], "shop");
    assert_eq!(start["version"], "1.4.2");
    assert_eq!(start["commit"], "0af7651");
    assert_eq!(start["sampler"], "parentbased_traceidratio 0.25");
    assert_eq!(start["propagators"], "b3,tracecontext");
    let exporter = start["exporter"].as_str().unwrap();
    assert!(
        exporter.starts_with("http/protobuf to http://127.0.0.1:"),
        "{exporter}"
    );
}

#[test]
fn misspelt_level_warning_ignores_log_filter() {
    let Some(outcome) = run(&[("RUST_LOG", "inof")], async || {
        drop(telemetry::init("shop").unwrap());
    }) else {
        return;
    };
    assert_eq!(
        outcome.warnings(),
        [
            "RUST_LOG is `inof`: `inof` is not a level, so it is taken as a target, and no level applies to the other \
             targets; did you mean `info`?"
        ]
    );
}
