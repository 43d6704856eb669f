//! The tracer of this crate's own spans, and the context that a trace begins from.

use std::sync::{Arc, OnceLock};

use opentelemetry::{
    Context, InstrumentationScope,
    global::{BoxedSpan, BoxedTracer},
    trace::{Span as _, SpanBuilder, TraceContextExt as _, Tracer as _},
};

#[cfg(any(feature = "client", feature = "server"))]
use crate::decision::{self, Decision};

/// A tracer of the global provider, taken when the first span is made that is one: a layer may be built, and asked, before
/// telemetry is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tracer {
    tracer: Arc<OnceLock<BoxedTracer>>,
    /// Of the spans of a provider that was given nothing is known before.
    #[cfg(any(feature = "client", feature = "server"))]
    is_given: bool,
}

impl Tracer {
    /// A tracer of a given provider.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(crate) fn of(provider: &dyn opentelemetry::global::ObjectSafeTracerProvider) -> Self {
        let tracer = BoxedTracer::new(provider.boxed_tracer(scope()));
        Self {
            tracer: Arc::new(OnceLock::from(tracer)),
            is_given: true,
        }
    }

    /// The decision on a span below `parent`.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(crate) fn decision(&self, parent: &Context) -> Decision {
        if self.is_given {
            Decision::Record
        } else {
            decision::of_global(parent)
        }
    }

    pub(crate) fn start(&self, span: SpanBuilder, parent: &Context) -> BoxedSpan {
        if let Some(tracer) = self.tracer.get() {
            return tracer.build_with_context(span, parent);
        }
        let tracer = opentelemetry::global::tracer_with_scope(scope());
        let span = tracer.build_with_context(span, parent);
        // While there is no provider, a tracer gives the parent for its span, and would do so for ever.
        if span.span_context().span_id() != parent.span().span_context().span_id() {
            let _ = self.tracer.set(tracer);
        }
        span
    }
}

/// What this crate calls itself in telemetry.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url("https://opentelemetry.io/schemas/1.44.0")
        .build()
}

/// The context with nothing in it: what a trace begins from, and what a caller's context is read into.
#[expect(
    clippy::disallowed_methods,
    reason = "the one right place for whoever begins a trace in here"
)]
pub(crate) fn empty_context() -> Context {
    Context::new()
}

/// Ends a context's span when dropped: a future that is dropped ends its span then and there, also if somebody still
/// holds the context. A span that has ended stays as it ended.
pub(crate) struct EndOnDrop(pub(crate) Context);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.span().end();
    }
}
