//! [`Processors`]: combines all span processors of a provider. A panic in one processor is caught, and spans
//! that end after shutdown are still counted.

use std::{
    fmt::Debug,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{Span, SpanData, SpanExporter, SpanProcessor},
};

use super::{export::Export, panics};

/// The custom span processors in the order of their registration, followed by the span exporter.
///
/// The tracer provider itself is never shut down: after its shutdown, an SDK provider drops ended spans
/// without calling any processor, so these spans could not be counted.
#[derive(Debug, Clone)]
pub(super) struct Processors(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    own: Vec<Box<dyn SpanProcessor>>,
    export: Export,
    is_shut_down: AtomicBool,
}

impl Processors {
    pub(super) fn new(
        mut own: Vec<Box<dyn SpanProcessor>>,
        export: Export,
        resource: &Resource,
    ) -> Self {
        for processor in &mut own {
            panics::contained(|| processor.set_resource(resource));
        }
        Self(Arc::new(Inner {
            own,
            export,
            is_shut_down: AtomicBool::new(false),
        }))
    }

    /// Returns the custom processors, or none after shutdown.
    fn own(&self) -> &[Box<dyn SpanProcessor>] {
        if self.0.is_shut_down.load(Ordering::Relaxed) {
            &[]
        } else {
            &self.0.own
        }
    }
}

impl SpanProcessor for Processors {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        for processor in self.own() {
            panics::contained(|| processor.on_start(span, cx));
        }
        self.0.export.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        for processor in self.own() {
            panics::contained(|| processor.on_end(span.clone()));
        }
        self.0.export.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        // Flushes every processor, even if an earlier one fails.
        let own = self.own().iter();
        let own: Vec<_> = own.map(|own| result(|| own.force_flush())).collect();
        let export = self.0.export.force_flush();
        own.into_iter().chain([export]).collect()
    }

    /// Exports queued spans, then shuts down the custom processors.
    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let timeout = timeout.min(super::MAX_DEADLINE);
        if self.0.is_shut_down.load(Ordering::Relaxed) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        let export = self.0.export.close(timeout);
        // Custom processors still receive spans that end while the queued spans are exported.
        if self.0.is_shut_down.swap(true, Ordering::Relaxed) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        let own = self.0.own.iter();
        let own: Vec<_> = own
            .map(|own| result(|| own.shutdown_with_timeout(timeout)))
            .collect();
        [export].into_iter().chain(own).collect()
    }
}

fn result(work: impl FnOnce() -> OTelSdkResult) -> OTelSdkResult {
    panics::contained(work).unwrap_or_else(|| Err(panicked()))
}

fn panicked() -> OTelSdkError {
    OTelSdkError::InternalFailure("it panicked".to_owned())
}

/// Wraps an exporter so that a panic fails one export instead of ending the thread that exports.
#[derive(Debug)]
pub(super) struct Contained<E>(pub(super) E);

impl<E: SpanExporter> SpanExporter for Contained<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut export = pin!(async { self.0.export(batch).await });
        poll_fn(|cx| {
            let poll = panics::contained(|| export.as_mut().poll(cx));
            poll.unwrap_or_else(|| Poll::Ready(Err(panicked())))
        })
        .await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        result(|| self.0.shutdown_with_timeout(timeout))
    }

    fn force_flush(&self) -> OTelSdkResult {
        result(|| self.0.force_flush())
    }

    fn set_resource(&mut self, resource: &Resource) {
        panics::contained(|| self.0.set_resource(resource));
    }
}
