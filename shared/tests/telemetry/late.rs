//! Tracers and instruments requested before telemetry is initialized.

use std::{collections::BTreeMap, sync::LazyLock};

use opentelemetry::{
    global::{self, BoxedTracer},
    metrics::Counter,
    trace::Tracer as _,
};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest, metrics::v1::metric::Data,
};
use prost::Message as _;
use shared::{
    server::TraceLayer,
    telemetry::{self, Deferred},
};

use crate::process::{request, run, shut_down};

static ORDERS: Deferred<Counter<u64>> =
    Deferred::new(|| global::meter("shop").u64_counter("shop.orders").build());
static TRACER: Deferred<BoxedTracer> = Deferred::new(|| global::tracer("shop"));
/// For comparison: a tracer without `Deferred`, which stays without effect if it is first used before telemetry is
/// initialized.
static LAZY: LazyLock<BoxedTracer> = LazyLock::new(|| global::tracer("shop"));

#[test]
fn tracer_used_before_init_works_after() {
    let variables = [("OTEL_METRICS_EXPORTER", "otlp")];
    let child = async || {
        let layer = TraceLayer::new();
        let all = async |when: &'static str| {
            ORDERS.add(1, &[]);
            TRACER.start(format!("late, {when}"));
            LAZY.start(format!("lazy, {when}"));
            request(&layer, "/").await;
        };
        all("before").await;
        let telemetry = telemetry::init("late").unwrap();
        all("after").await;
        all("again").await;
        shut_down(telemetry).await;
    };
    let Some(outcome) = run(&variables, child) else {
        return;
    };
    assert_eq!(
        outcome.names(),
        ["GET", "GET", "late, after", "late, again"]
    );

    let bodies = outcome.bodies("/v1/metrics");
    let request = ExportMetricsServiceRequest::decode(bodies[0]).unwrap();
    let scopes = request
        .resource_metrics
        .iter()
        .flat_map(|it| &it.scope_metrics);
    let counts: BTreeMap<&str, u64> = scopes
        .flat_map(|scope| &scope.metrics)
        .filter_map(|metric| match metric.data.as_ref()? {
            Data::Histogram(data) => Some((metric.name.as_str(), data.data_points[0].count)),
            Data::Sum(data) if metric.name == "shop.orders" => {
                let value = format!("{:?}", data.data_points[0].value);
                Some((&metric.name, u64::from(value.contains("AsInt(2)")) * 2))
            }
            _ => None,
        })
        .collect();
    assert_eq!(counts["shop.orders"], 2);
    assert_eq!(counts["http.server.request.duration"], 2);
}
