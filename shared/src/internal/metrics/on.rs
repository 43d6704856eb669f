//! OpenTelemetry instruments.

use std::sync::{Arc, OnceLock};

use opentelemetry::{global, metrics::MeterProvider};

use super::Instruments;
use crate::tracer::scope;

/// Bucket boundaries of the conventions for request durations, in seconds.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

pub(crate) type Histogram = opentelemetry::metrics::Histogram<f64>;
#[cfg(feature = "server")]
pub(crate) type UpDownCounter = opentelemetry::metrics::UpDownCounter<i64>;

/// The instruments of the server or the client, created on first use once metrics are enabled.
#[derive(Debug)]
pub(crate) struct Metrics<I>(Arc<OnceLock<I>>);

impl<I: Instruments> Metrics<I> {
    pub(crate) fn of(provider: &dyn MeterProvider) -> Self {
        let meter = Meter(provider.meter_with_scope(scope()));
        Self(Arc::new(OnceLock::from(I::new(&meter))))
    }

    /// Returns `None` if metrics are not enabled.
    pub(crate) fn instruments(&self) -> Option<&I> {
        let make = || I::new(&Meter(global::meter_with_scope(scope())));
        let wanted = || is_enabled().then(|| self.0.get_or_init(make));
        self.0.get().or_else(wanted)
    }
}

impl<I> Default for Metrics<I> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<I> Clone for Metrics<I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Creates instruments.
pub(crate) struct Meter(opentelemetry::metrics::Meter);

impl Meter {
    /// Creates a histogram of durations.
    pub(crate) fn seconds(&self, name: &'static str, description: &'static str) -> Histogram {
        let histogram = self.0.f64_histogram(name).with_unit("s");
        histogram
            .with_description(description)
            .with_boundaries(SECONDS.to_vec())
            .build()
    }

    /// Creates a counter of active requests.
    #[cfg(feature = "server")]
    pub(crate) fn requests(&self, name: &'static str, description: &'static str) -> UpDownCounter {
        let counter = self.0.i64_up_down_counter(name).with_unit("{request}");
        counter.with_description(description).build()
    }
}

static ENABLED: OnceLock<()> = OnceLock::new();

/// Records that the global meter provider exports.
#[cfg(feature = "telemetry")]
pub(crate) fn enable() {
    ENABLED.get_or_init(|| ());
}

fn is_enabled() -> bool {
    ENABLED.get().is_some()
}
