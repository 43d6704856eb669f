//! HTTP metrics shared by server and client. Instruments are created on first use.
//!
//! Without a meter provider, no instruments or attributes are created. Without the cargo feature `metrics`, a [`Meter`]
//! cannot be constructed, so the compiler removes the code that uses one. Names and attributes follow the [conventions
//! for HTTP metrics](https://opentelemetry.io/docs/specs/semconv/http/http-metrics/).

use std::sync::{Arc, OnceLock};

use opentelemetry::KeyValue;

pub(crate) use self::meter::*;

/// The metric instruments of the server or client layer.
pub(crate) trait Instruments {
    fn new(meter: &Meter) -> Self;
}

/// The metric instruments of the server or client layer, created on first use once metrics are enabled.
#[derive(Debug)]
pub(crate) struct Metrics<I>(Arc<OnceLock<I>>);

impl<I: Instruments> Metrics<I> {
    #[cfg(feature = "metrics")]
    pub(crate) fn of(provider: &dyn opentelemetry::metrics::MeterProvider) -> Self {
        let meter = Meter(provider.meter_with_scope(super::tracer::scope()));
        Self(Arc::new(OnceLock::from(I::new(&meter))))
    }

    /// Returns the instruments, or `None` if metrics are not enabled.
    pub(crate) fn instruments(&self) -> Option<&I> {
        if let Some(instruments) = self.0.get() {
            return Some(instruments);
        }
        let meter = global_meter()?;
        Some(self.0.get_or_init(|| I::new(&meter)))
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

/// Returns the span attributes that are also attributes of the metric, selected by `keys`. Each of these keys has few
/// different values; paths and ids are excluded.
pub(crate) fn low_cardinality(attributes: &[KeyValue], keys: &[&str]) -> Vec<KeyValue> {
    attributes
        .iter()
        .filter(|attribute| keys.contains(&attribute.key.as_str()))
        .cloned()
        .collect()
}

#[cfg(feature = "metrics")]
mod meter {
    use std::sync::OnceLock;

    use opentelemetry::global;

    use super::super::tracer::scope;

    pub(crate) type Histogram = opentelemetry::metrics::Histogram<f64>;
    #[cfg(feature = "server")]
    pub(crate) type UpDownCounter = opentelemetry::metrics::UpDownCounter<i64>;

    /// Histogram bucket boundaries for request durations from the semantic conventions, in seconds.
    const SECONDS: [f64; 14] = [
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ];

    /// Creates metric instruments.
    pub(crate) struct Meter(pub(super) opentelemetry::metrics::Meter);

    impl Meter {
        /// Creates a histogram of durations in seconds.
        pub(crate) fn seconds(&self, name: &'static str, description: &'static str) -> Histogram {
            let histogram = self.0.f64_histogram(name).with_unit("s");
            histogram
                .with_description(description)
                .with_boundaries(SECONDS.to_vec())
                .build()
        }

        /// Creates a counter of active requests.
        #[cfg(feature = "server")]
        pub(crate) fn requests(
            &self,
            name: &'static str,
            description: &'static str,
        ) -> UpDownCounter {
            let counter = self.0.i64_up_down_counter(name).with_unit("{request}");
            counter.with_description(description).build()
        }
    }

    static ENABLED: OnceLock<()> = OnceLock::new();

    /// Enables metrics. Called once the global meter provider exports.
    #[cfg(feature = "telemetry")]
    pub(crate) fn enable() {
        ENABLED.get_or_init(|| ());
    }

    /// Returns a meter of the global provider, or `None` if metrics are not enabled.
    pub(super) fn global_meter() -> Option<Meter> {
        ENABLED.get()?;
        Some(Meter(global::meter_with_scope(scope())))
    }
}

#[cfg(not(feature = "metrics"))]
mod meter {
    use opentelemetry::KeyValue;

    pub(crate) type Histogram = Meter;
    #[cfg(feature = "server")]
    pub(crate) type UpDownCounter = Meter;

    /// Replaces meters and instruments if the feature `metrics` is disabled. It has no values.
    #[derive(Debug)]
    pub(crate) enum Meter {}

    impl Meter {
        pub(crate) fn seconds(&self, _name: &str, _description: &str) -> Self {
            match *self {}
        }

        #[cfg(feature = "server")]
        pub(crate) fn requests(&self, _name: &str, _description: &str) -> Self {
            match *self {}
        }

        pub(crate) fn record(&self, _seconds: f64, _attributes: &[KeyValue]) {
            match *self {}
        }

        #[cfg(feature = "server")]
        pub(crate) fn add(&self, _change: i64, _attributes: &[KeyValue]) {
            match *self {}
        }
    }

    pub(super) fn global_meter() -> Option<Meter> {
        None
    }
}
