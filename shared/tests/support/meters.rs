//! [`Meters`]: a meter provider, and the metrics that it has recorded.

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, SdkMeterProvider,
    data::{AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics},
};

use super::Attributes;

/// One value for each set of attributes, in stable order.
pub(crate) type Points = Vec<(Attributes, i64)>;

pub(crate) struct Meters {
    pub(crate) provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder()
            .with_periodic_exporter(exporter.clone())
            .build();
        Self { provider, exporter }
    }

    /// Returns the number of measurements of a histogram for each set of attributes.
    pub(crate) fn counts(&self, name: &str) -> Points {
        self.read(name, |metric| {
            let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else {
                panic!("{name} is no histogram of f64: {metric:?}");
            };
            let points = histogram.data_points();
            let count = |count: u64| i64::try_from(count).unwrap();
            points
                .map(|point| (attributes(point.attributes()), count(point.count())))
                .collect()
        })
    }

    /// Returns the sum of the measurements of a histogram and its bucket boundaries.
    pub(crate) fn seconds(&self, name: &str) -> (f64, Vec<f64>) {
        self.read(name, |metric| {
            assert_eq!(metric.unit(), "s");
            let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else {
                panic!("{name} is no histogram of f64: {metric:?}");
            };
            let point = histogram.data_points().next().unwrap();
            (point.sum(), point.bounds().collect())
        })
    }

    /// Returns the values of an up-down counter for each set of attributes.
    pub(crate) fn values(&self, name: &str) -> Points {
        self.read(name, |metric| {
            let AggregatedMetrics::I64(MetricData::Sum(sum)) = metric.data() else {
                panic!("{name} is no sum of i64: {metric:?}");
            };
            assert!(!sum.is_monotonic());
            let points = sum.data_points();
            points
                .map(|point| (attributes(point.attributes()), point.value()))
                .collect()
        })
    }

    fn read<T>(&self, name: &str, read: impl FnOnce(&Metric) -> T) -> T {
        self.exporter.reset();
        self.provider.force_flush().unwrap();
        let exported = self.exporter.get_finished_metrics().unwrap();
        let mut metrics = exported
            .iter()
            .flat_map(ResourceMetrics::scope_metrics)
            .flat_map(ScopeMetrics::metrics);
        let metric = metrics.find(|metric| metric.name() == name);
        read(metric.unwrap_or_else(|| panic!("{name} was not measured")))
    }
}

fn attributes<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> Attributes {
    attributes
        .map(|attribute| (attribute.key.to_string(), attribute.value.clone()))
        .collect()
}
