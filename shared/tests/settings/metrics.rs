//! `OTEL_METRICS_EXPORTER`: exports the HTTP metrics of the semantic conventions over OTLP. The export is off by
//! default.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{KeyValue, any_value},
    metrics::v1::{metric::Data, number_data_point::Value},
};
use prost::Message as _;

use crate::{
    process::Process,
    support::collector::{Answer, Collector},
};

const EXPORTER: &str = "OTEL_METRICS_EXPORTER";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Returns the total of each metric over all attributes: the number of measurements of a histogram, or the value of a
/// sum.
fn totals(body: &[u8]) -> BTreeMap<String, i64> {
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    let scopes = request
        .resource_metrics
        .into_iter()
        .flat_map(|resource| resource.scope_metrics);
    let metrics = scopes.flat_map(|scope| scope.metrics);
    metrics
        .map(|metric| {
            let total = match metric.data.unwrap() {
                Data::Histogram(histogram) => {
                    let count: u64 = histogram.data_points.iter().map(|point| point.count).sum();
                    i64::try_from(count).unwrap()
                }
                Data::Sum(sum) => sum
                    .data_points
                    .iter()
                    .map(|point| match point.value {
                        Some(Value::AsInt(value)) => value,
                        _ => panic!("a whole number: {point:?}"),
                    })
                    .sum(),
                other => panic!("{} is {other:?}", metric.name),
            };
            (metric.name, total)
        })
        .collect()
}

#[test]
fn both_sides_are_measured_and_none_stays_active() {
    let collector = Collector::start();
    let variables = [(EXPORTER, " otlp "), (ENDPOINT, &collector.url())];
    let process = Process::start(&variables);
    process.forward(&[]);
    process.stop();

    let exports = collector.exports();
    let metrics = exports.iter().find(|export| export.path == "/v1/metrics");
    let http = [
        ("http.client.request.duration".to_owned(), 2),
        ("http.server.active_requests".to_owned(), 0),
        ("http.server.request.duration".to_owned(), 1),
    ];
    let mut totals = totals(&metrics.expect("metrics are exported").body);
    totals.retain(|name, _| name.starts_with("http."));
    assert_eq!(totals, http.into());
}

#[test]
fn span_counters_are_exported_as_metrics() {
    let collector = Collector::answering(Answer::Status(503));
    let mut process = Process::start(&[
        (EXPORTER, "otlp"),
        (ENDPOINT, &collector.url()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "20"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "10"),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ]);
    process.end_spans(14);
    let measured = |wanted: &[(&str, i64)]| loop {
        let export = collector.export();
        let totals = if export.path == "/v1/metrics" {
            totals(&export.body)
        } else {
            BTreeMap::new()
        };
        let is = |(name, value): &(&str, i64)| totals.get(*name) == Some(value);
        if wanted.iter().all(is) {
            break;
        }
    };
    measured(&[
        ("otel.sdk.processor.span.queue.size", 10),
        ("otel.sdk.processor.span.queue.capacity", 10),
        // Only the four spans that did not fit into the queue count as processed, because they were dropped.
        ("otel.sdk.processor.span.processed", 4),
        ("otel.sdk.exporter.span.exported", 0),
    ]);
    collector.answer(Answer::Taken);
    measured(&[
        ("otel.sdk.processor.span.queue.size", 0),
        ("otel.sdk.processor.span.processed", 14),
        ("otel.sdk.exporter.span.exported", 10),
    ]);
    process.stop();
}

/// Returns the attributes of the first data point of a sum, or `None` if the export does not contain the sum.
fn attributes(body: &[u8], name: &str) -> Option<Vec<KeyValue>> {
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    let resources = request.resource_metrics.into_iter();
    let mut metrics = resources
        .flat_map(|resource| resource.scope_metrics)
        .flat_map(|scope| scope.metrics);
    match metrics.find(|metric| metric.name == name)?.data? {
        Data::Sum(sum) => Some(sum.data_points.into_iter().next()?.attributes),
        other => panic!("{name} is {other:?}"),
    }
}

#[test]
fn exporter_metrics_name_protocol_and_endpoint() {
    for (protocol, endpoint, kind, address, port) in [
        (
            "http/protobuf",
            "http://127.0.0.1:9",
            "otlp_http_span_exporter",
            "127.0.0.1",
            9,
        ),
        (
            "http/protobuf",
            "http://localhost",
            "otlp_http_span_exporter",
            "localhost",
            80,
        ),
        #[cfg(feature = "grpc")]
        (
            "grpc",
            "http://[::1]:9",
            "otlp_grpc_span_exporter",
            "::1",
            9,
        ),
    ] {
        let collector = Collector::start();
        let metrics_endpoint = format!("{}/v1/metrics", collector.url());
        let process = Process::start(&[
            (EXPORTER, "otlp"),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &metrics_endpoint),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", protocol),
            ("OTEL_METRIC_EXPORT_INTERVAL", "20"),
        ]);
        let attributes = loop {
            let export = collector.export();
            if let Some(found) = attributes(&export.body, "otel.sdk.exporter.span.exported") {
                break found;
            }
        };
        drop(process);
        let text = |text: &str| any_value::Value::StringValue(text.to_owned());
        let expected = [
            ("otel.component.name", text(&format!("{kind}/0"))),
            ("otel.component.type", text(kind)),
            ("server.address", text(address)),
            ("server.port", any_value::Value::IntValue(port)),
        ]
        .map(|(key, value)| (key.to_owned(), value));
        let found = attributes.into_iter();
        let found = found.map(|it| (it.key, it.value.unwrap().value.unwrap()));
        let mut found: Vec<_> = found.collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(found, expected);
    }
}

#[test]
fn metrics_endpoint_takes_precedence() {
    let (traces, metrics) = (Collector::start(), Collector::start());
    let for_metrics = format!("{}/here/metrics", metrics.url());
    let endpoints = [
        (ENDPOINT, traces.url()),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", for_metrics),
    ];
    let endpoints = endpoints
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    for (exporter, paths) in [
        ("", vec![]),
        ("none", vec![]),
        ("OTLP", vec!["/here/metrics"]),
    ] {
        let process = Process::start(&[&endpoints[..], &[(EXPORTER, exporter)]].concat());
        process.forward(&[]);
        assert_eq!(process.stop().warnings(), [""; 0], "{exporter}");
        let exports = metrics.exports();
        let seen: Vec<&str> = exports.iter().map(|export| export.path.as_str()).collect();
        assert_eq!(seen, paths, "{exporter}");
    }
    assert!(
        traces
            .exports()
            .iter()
            .all(|export| export.path == "/v1/traces")
    );
}

#[test]
fn unknown_metrics_exporter_and_interval_warn() {
    let collector = Collector::start();
    let endpoint = collector.url();
    let said = Process::start(&[(ENDPOINT, &endpoint), (EXPORTER, "prometheus")]).stop();
    assert_eq!(
        said.warnings(),
        [
            "OTEL_METRICS_EXPORTER is `prometheus`, which cannot be used: expected otlp or none; using none instead"
        ]
    );
    let said = Process::start(&[
        (ENDPOINT, &endpoint),
        (EXPORTER, "otlp"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "-1"),
    ])
    .stop();
    assert_eq!(
        said.warnings(),
        [
            "OTEL_METRIC_EXPORT_INTERVAL is `-1`, which cannot be used: expected a whole number from 0 to 86400000; using 60000 instead"
        ]
    );
}

#[test]
fn zero_metric_interval_exports_continuously() {
    let collector = Collector::start();
    let process = Process::start(&[
        (EXPORTER, "otlp"),
        (ENDPOINT, &collector.url()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
        ("OTEL_TRACES_EXPORTER", "none"),
    ]);
    process.forward(&[]);
    for _ in 0..3 {
        assert_eq!(collector.export().path, "/v1/metrics");
    }
    assert_eq!(process.stop().warnings(), [""; 0]);
}
