//! The metrics of the HTTP conventions: request durations of both sides, and requests under way.
//!
//! Off unless a meter provider was set, and then free: no instrument, no attribute is made.
//! [HTTP metrics](https://opentelemetry.io/docs/specs/semconv/http/http-metrics/).

use std::sync::{Arc, OnceLock};

use opentelemetry::{
    KeyValue, global,
    metrics::{Histogram, Meter, MeterProvider, UpDownCounter},
};

use crate::tracer::scope;

/// The conventions' buckets for request durations, in seconds.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// The instruments of one side, made when first used while metrics are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics(Arc<OnceLock<Instruments>>);

#[derive(Debug)]
pub(crate) struct Instruments {
    pub(crate) server_duration: Histogram<f64>,
    pub(crate) client_duration: Histogram<f64>,
    pub(crate) active_requests: UpDownCounter<i64>,
}

impl Metrics {
    pub(crate) fn of(provider: &dyn MeterProvider) -> Self {
        let meter = provider.meter_with_scope(scope());
        Self(Arc::new(OnceLock::from(Instruments::new(&meter))))
    }

    /// None where no metrics are wanted.
    pub(crate) fn instruments(&self) -> Option<&Instruments> {
        let make = || Instruments::new(&global::meter_with_scope(scope()));
        let wanted = || is_enabled().then(|| self.0.get_or_init(make));
        self.0.get().or_else(wanted)
    }
}

impl Instruments {
    fn new(meter: &Meter) -> Self {
        let seconds = |name, description| {
            let histogram = meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(description);
            histogram.with_boundaries(SECONDS.to_vec()).build()
        };
        Self {
            server_duration: seconds(
                "http.server.request.duration",
                "Duration of HTTP server requests.",
            ),
            client_duration: seconds(
                "http.client.request.duration",
                "Duration of HTTP client requests.",
            ),
            active_requests: meter
                .i64_up_down_counter("http.server.active_requests")
                .with_unit("{request}")
                .with_description("Number of active HTTP server requests.")
                .build(),
        }
    }
}

static ENABLED: OnceLock<()> = OnceLock::new();

/// Says that the global meter provider is one that exports.
pub(crate) fn enable() {
    ENABLED.get_or_init(|| ());
}

fn is_enabled() -> bool {
    ENABLED.get().is_some()
}

/// Of a span's attributes, those that its metric has too: few values each, never a path or an id.
pub(crate) fn low_cardinality(attributes: &[KeyValue], keys: &[&str]) -> Vec<KeyValue> {
    attributes
        .iter()
        .filter(|attribute| keys.contains(&attribute.key.as_str()))
        .cloned()
        .collect()
}
