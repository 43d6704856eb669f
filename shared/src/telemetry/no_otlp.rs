//! Replaces `otlp` without the cargo feature `otlp`. Its types cannot be constructed, so the compiler removes
//! the code that uses them.

use std::{convert::Infallible, time::Duration};

use opentelemetry::{Context, KeyValue};
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

/// Matches no target.
#[cfg(feature = "logs")]
pub(super) const EXPORT_LOG_TARGET: &str = "";

/// Cannot be constructed. The field is private, because otherwise the compiler reports unreachable code in
/// other modules.
#[derive(Debug, Clone)]
pub(super) struct OtlpProcessor(Infallible);

impl OtlpProcessor {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "same signature as with the cargo feature"
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

    pub(super) fn attributes(&self) -> &[KeyValue] {
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
