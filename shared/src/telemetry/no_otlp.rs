//! Without the cargo feature `otlp` nothing leaves the process this way, and the compiler knows it.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    metrics::SdkMeterProvider,
    trace::{Span, SpanData, SpanProcessor},
};

use super::{
    InitError, SpanCounts,
    settings::{Batching, Metrics, Otlp},
    texts::ValueLimits,
};

/// The target of nobody's lines.
#[cfg(feature = "logs")]
pub(super) const JOURNAL: &str = "";

/// Nobody has one. That is private, or the compiler would warn of every line elsewhere that it never comes to.
#[derive(Debug, Clone)]
pub(super) struct OtlpProcessor(Nobodys);

#[derive(Debug, Clone)]
enum Nobodys {}

impl OtlpProcessor {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the same shape as with the cargo feature"
    )]
    pub(super) fn start(
        otlp: Otlp,
        _: &Batching,
        _: ValueLimits,
        _: &Resource,
    ) -> Result<Self, InitError> {
        match otlp {}
    }

    pub(super) fn counts(&self) -> SpanCounts {
        match self.0 {}
    }

    pub(super) fn capacity(&self) -> Option<u64> {
        match self.0 {}
    }
}

impl SpanProcessor for OtlpProcessor {
    fn on_start(&self, _: &mut Span, _: &Context) {
        match self.0 {}
    }

    fn on_end(&self, _: SpanData) {
        match self.0 {}
    }

    fn force_flush(&self) -> OTelSdkResult {
        match self.0 {}
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        match self.0 {}
    }
}

pub(super) fn meter_provider(
    metrics: &Metrics,
    _: Resource,
) -> Result<SdkMeterProvider, InitError> {
    match *metrics {}
}
