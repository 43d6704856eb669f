//! [`ServerMetrics`]: records the metrics of one request, from its start to its end.

use std::{borrow::Cow, time::Duration};

use http::StatusCode;
use opentelemetry::KeyValue;

use crate::internal::{
    metrics::{self, Histogram, Meter, Metrics, UpDownCounter},
    semconv,
};

/// The metric instruments of server requests.
#[derive(Debug)]
pub(super) struct Instruments {
    duration: Histogram,
    active_requests: UpDownCounter,
}

impl metrics::Instruments for Instruments {
    fn new(meter: &Meter) -> Self {
        Self {
            duration: meter.seconds(
                "http.server.request.duration",
                "Duration of HTTP server requests.",
            ),
            active_requests: meter.requests(
                "http.server.active_requests",
                "Number of active HTTP server requests.",
            ),
        }
    }
}

/// The pending measurements of one request. Created only if metrics are enabled.
pub(super) struct ServerMetrics {
    metrics: Metrics<Instruments>,
    active: Vec<KeyValue>,
    duration: Vec<KeyValue>,
}

impl ServerMetrics {
    /// Counts the request as active, if metrics are enabled.
    pub(super) fn started(metrics: &Metrics<Instruments>, attributes: &[KeyValue]) -> Option<Self> {
        let instruments = metrics.instruments()?;
        let active = metrics::low_cardinality(attributes, &ACTIVE_ATTRIBUTES);
        instruments.active_requests.add(1, &active);
        Some(Self {
            metrics: metrics.clone(),
            active,
            duration: metrics::low_cardinality(attributes, &DURATION_ATTRIBUTES),
        })
    }

    /// Records the duration of the request. `ServerSpan` calls this function exactly once, however the request ends.
    pub(super) fn ended(
        mut self,
        duration: Duration,
        status: Option<StatusCode>,
        error_type: Option<Cow<'static, str>>,
    ) {
        let Some(instruments) = self.metrics.instruments() else {
            return;
        };
        let mut attributes = std::mem::take(&mut self.duration);
        let status = status.map(|status| i64::from(status.as_u16()));
        attributes
            .extend(status.map(|status| KeyValue::new(semconv::HTTP_RESPONSE_STATUS_CODE, status)));
        attributes
            .extend(error_type.map(|error_type| KeyValue::new(semconv::ERROR_TYPE, error_type)));
        instruments
            .duration
            .record(duration.as_secs_f64(), &attributes);
    }
}

/// Decrements the number of active requests, even if the request panicked before its span was created.
impl Drop for ServerMetrics {
    fn drop(&mut self) {
        if let Some(instruments) = self.metrics.instruments() {
            instruments.active_requests.add(-1, &self.active);
        }
    }
}

const ACTIVE_ATTRIBUTES: [&str; 2] = [semconv::HTTP_REQUEST_METHOD, semconv::URL_SCHEME];
const DURATION_ATTRIBUTES: [&str; 4] = [
    semconv::HTTP_REQUEST_METHOD,
    semconv::URL_SCHEME,
    semconv::HTTP_ROUTE,
    semconv::NETWORK_PROTOCOL_VERSION,
];
