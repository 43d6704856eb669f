//! The tracer for this crate's own spans, and the empty context that a new trace starts from.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    global::{BoxedSpan, BoxedTracer},
    trace::{
        Span, SpanBuilder, SpanContext, Status, TraceContextExt as _, TraceFlags, Tracer as _,
    },
};
#[cfg(any(feature = "client", feature = "server"))]
use opentelemetry::{SpanId, TraceId, trace::TraceState};

#[cfg(any(feature = "client", feature = "server"))]
use super::decision::{self, Decision};
use super::{clock::Clock, semconv};
use crate::span::request;

/// A tracer of the global provider or of a given one. The global provider is looked up when the first real span starts,
/// since layers may be created and used before telemetry is initialized.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tracer {
    tracer: Arc<OnceLock<BoxedTracer>>,
    /// Whether the application passed the tracer provider. The sampling decisions of such a provider are not known in
    /// advance.
    #[cfg(any(feature = "client", feature = "server"))]
    is_given: bool,
}

impl Tracer {
    /// Creates a tracer of a given provider.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(crate) fn of(provider: &dyn opentelemetry::global::ObjectSafeTracerProvider) -> Self {
        let tracer = BoxedTracer::new(provider.boxed_tracer(scope()));
        Self {
            tracer: Arc::new(OnceLock::from(tracer)),
            is_given: true,
        }
    }

    /// Returns the sampling decision for a child span of `parent`.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(crate) fn decision(&self, parent: &Context) -> Decision {
        if self.is_given {
            Decision::Record
        } else {
            decision::of_global(parent)
        }
    }

    /// Returns `parent` with a new span, or `parent` itself if the decision is not to create a span.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(crate) fn start_in(
        &self,
        parent: &Context,
        span: SpanBuilder,
        decision: Decision,
    ) -> Context {
        match decision {
            Decision::NoSpan => parent.clone(),
            Decision::NotSampled(trace_id, span_id) => {
                parent.with_remote_span_context(not_sampled(parent, trace_id, span_id))
            }
            Decision::Drop | Decision::Record => parent.with_span(self.start(span, parent)),
        }
    }

    /// Starts a span, timed by its parent's clock or by a new clock.
    pub(crate) fn start(&self, mut span: SpanBuilder, parent: &Context) -> Timed<BoxedSpan> {
        let (clock, now) = if let Some(clock) = request::clock(parent) {
            (clock, clock.now())
        } else {
            let clock = Clock::start();
            (clock, clock.started_at())
        };
        span.start_time = Some(now);
        Timed::new(self.build(span, parent), parent, clock)
    }

    fn build(&self, span: SpanBuilder, parent: &Context) -> BoxedSpan {
        if let Some(tracer) = self.tracer.get() {
            return tracer.build_with_context(span, parent);
        }
        let tracer = opentelemetry::global::tracer_with_scope(scope());
        let span = tracer.build_with_context(span, parent);
        // Before a global provider is set, the global tracer returns the parent as the new span. A tracer obtained then
        // never creates spans, so it is not stored.
        if span.span_context().span_id() != parent.span().span_context().span_id() {
            let _ = self.tracer.set(tracer);
        }
        span
    }
}

/// The random trace id flag of [W3C Trace Context Level
/// 2](https://www.w3.org/TR/trace-context-2/#random-trace-id-flag).
const RANDOM: TraceFlags = TraceFlags::new(0x02);

/// Returns the span context of an unsampled span, as the SDK would create it.
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) fn not_sampled(parent: &Context, trace_id: TraceId, span_id: SpanId) -> SpanContext {
    let parent = parent.span();
    let parent = parent.span_context();
    let (flags, trace_state) = if parent.is_valid() {
        (TraceFlags::default(), parent.trace_state().clone())
    } else {
        (RANDOM, TraceState::default())
    };
    SpanContext::new(trace_id, span_id, flags, false, trace_state)
}

/// A span whose events and end are timed by a [`Clock`] instead of the system clock.
#[derive(Debug)]
pub(crate) struct Timed<S> {
    span: S,
    clock: Clock,
    /// For a root span only: the SDK's span context with the random trace id flag, which child spans inherit.
    root: Option<SpanContext>,
}

impl<S: Span> Timed<S> {
    pub(crate) fn new(span: S, parent: &Context, clock: Clock) -> Self {
        let context = span.span_context();
        let is_root = context.is_valid() && !parent.span().span_context().is_valid();
        let root = is_root.then(|| {
            SpanContext::new(
                context.trace_id(),
                context.span_id(),
                context.trace_flags() | RANDOM,
                false,
                context.trace_state().clone(),
            )
        });
        Self { span, clock, root }
    }

    #[cfg(feature = "server")]
    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }
}

impl<S: Span> Span for Timed<S> {
    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        at: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        let at = self.clock.convert(at);
        self.span.add_event_with_timestamp(name, at, attributes);
    }

    fn span_context(&self) -> &SpanContext {
        self.root
            .as_ref()
            .unwrap_or_else(|| self.span.span_context())
    }

    fn is_recording(&self) -> bool {
        self.span.is_recording()
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.span.set_attribute(attribute);
    }

    fn set_status(&mut self, status: Status) {
        self.span.set_status(status);
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, name: T) {
        self.span.update_name(name);
    }

    fn add_link(&mut self, to: SpanContext, attributes: Vec<KeyValue>) {
        self.span.add_link(to, attributes);
    }

    fn end_with_timestamp(&mut self, end: SystemTime) {
        // The end time of a span that is not recorded is not used, so two readings of the clock are saved.
        let end = if self.span.is_recording() {
            self.clock.convert(end)
        } else {
            end
        };
        self.span.end_with_timestamp(end);
    }
}

/// Returns the instrumentation scope of this crate.
pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(semconv::SCOPE_NAME)
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(semconv::SCHEMA_URL)
        .build()
}

/// Returns the empty context, from which new traces start and into which the caller's trace context is extracted.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place in this crate that starts a trace"
)]
pub(crate) fn empty_context() -> Context {
    Context::new()
}

/// Ends the span of a context when dropped, so that a dropped future ends its span even if the context is still
/// referenced. Has no effect on a span that has already ended.
pub(crate) struct EndOnDrop(pub(crate) Context);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.span().end();
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

    use super::*;

    #[test]
    fn span_has_scope_name_and_schema() {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        let span = SpanBuilder::from_name("GET");
        drop(Tracer::of(&provider).start(span, &empty_context()));
        let spans = exporter.get_finished_spans().unwrap();
        let scope = &spans[0].instrumentation_scope;
        assert_eq!(scope.name(), "http-tracing");
        assert_eq!(scope.version(), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(scope.schema_url(), Some(semconv::SCHEMA_URL));
    }
}
