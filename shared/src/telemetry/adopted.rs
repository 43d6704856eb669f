//! The OpenTelemetry tracer that the `tracing` span layer uses. A `tracing` span can represent a span that
//! this crate has already started, so that `tracing::Span::current()` in a handler is the request's SERVER
//! span.

use std::{borrow::Cow, time::SystemTime};

use opentelemetry::{
    Context, KeyValue,
    trace::{Span, SpanBuilder, SpanContext, Status, TraceContextExt as _, Tracer as ApiTracer},
};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::{Metadata, Subscriber as _, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Registry;

use crate::{
    internal::{clock::Clock, tracer::Timed},
    span::{request, scope::Adoption},
};

/// Name of the `tracing` spans that [`adopt`] creates, by which the tracer and the filters recognize them.
/// The name is never exported.
const NAME: &str = "shared::request";

pub(super) const ADOPTION: Adoption = Adoption { adopt, enter, exit };

/// Creates a `tracing` span that represents the OpenTelemetry span of the current context.
fn adopt() -> tracing::Span {
    // Every filter except `off` enables a span of level `error`. The span declares the fields that handlers
    // can record.
    let span = tracing::error_span!(
        NAME,
        error.r#type = Empty,
        enduser.id = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
        session.id = Empty,
        user.id = Empty,
    );
    // `tracing-opentelemetry` would start the OpenTelemetry span when its `tracing` span is first entered,
    // but [`enter`] bypasses that layer. Asking for the context starts the OpenTelemetry span, too.
    let _ = span.context();
    span
}

/// Makes a span the result of `tracing::Span::current()` without the other work of `Span::enter`: the
/// OpenTelemetry layer would attach a context that is already current, which costs several times as much.
fn enter(span: &tracing::Span) {
    span.with_subscriber(|(id, dispatch)| match dispatch.downcast_ref::<Registry>() {
        Some(registry) => registry.enter(id),
        None => dispatch.enter(id),
    });
}

fn exit(span: &tracing::Span) {
    span.with_subscriber(|(id, dispatch)| match dispatch.downcast_ref::<Registry>() {
        Some(registry) => registry.exit(id),
        None => dispatch.exit(id),
    });
}

/// Returns whether the metadata belongs to a span that [`adopt`] creates. Such spans are enabled at every
/// configured level.
pub(super) fn is_adopted(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.name() == NAME
}

/// The tracer of the span layer: starts an OpenTelemetry span for every `tracing` span that [`adopt`] has not
/// created.
#[derive(Debug, Clone)]
pub(super) struct Tracer(SdkTracer);

impl Tracer {
    pub(super) fn new(tracer: SdkTracer) -> Self {
        Self(tracer)
    }
}

impl ApiTracer for Tracer {
    type Span = TracingSpan;

    fn build_with_context(&self, mut builder: SpanBuilder, parent: &Context) -> TracingSpan {
        if builder.name == NAME {
            return TracingSpan::Adopted {
                span_context: parent.span().span_context().clone(),
                cx: parent.clone(),
            };
        }
        let clock = request::clock(parent).unwrap_or_else(Clock::start);
        builder.start_time = builder.start_time.map(|start| clock.convert(start));
        let span = self.0.build_with_context(builder, parent);
        TracingSpan::Own(Timed::new(span, parent, clock))
    }
}

/// The OpenTelemetry span of a `tracing` span.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a box would cost nearly every span an allocation"
)]
pub(super) enum TracingSpan {
    Own(Timed<opentelemetry_sdk::trace::Span>),
    /// A span of the context `cx` that was started elsewhere. The code that started the span also ends it.
    Adopted {
        cx: Context,
        span_context: SpanContext,
    },
}

impl Span for TracingSpan {
    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        at: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        match self {
            Self::Own(span) => span.add_event_with_timestamp(name, at, attributes),
            Self::Adopted { cx, .. } => cx.span().add_event_with_timestamp(name, at, attributes),
        }
    }

    fn span_context(&self) -> &SpanContext {
        match self {
            Self::Own(span) => span.span_context(),
            Self::Adopted { span_context, .. } => span_context,
        }
    }

    fn is_recording(&self) -> bool {
        match self {
            Self::Own(span) => span.is_recording(),
            Self::Adopted { cx, .. } => cx.span().is_recording(),
        }
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        match self {
            Self::Own(span) => span.set_attribute(attribute),
            Self::Adopted { cx, .. } => cx.span().set_attribute(attribute),
        }
    }

    fn set_status(&mut self, status: Status) {
        match self {
            Self::Own(span) => span.set_status(status),
            // `tracing-opentelemetry` sets the status `Unset` on every span that it starts.
            Self::Adopted { .. } if status == Status::Unset => {}
            Self::Adopted { cx, .. } => cx.span().set_status(status),
        }
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, name: T) {
        match self {
            Self::Own(span) => span.update_name(name),
            Self::Adopted { cx, .. } => cx.span().update_name(name),
        }
    }

    fn add_link(&mut self, to: SpanContext, attributes: Vec<KeyValue>) {
        match self {
            Self::Own(span) => span.add_link(to, attributes),
            Self::Adopted { cx, .. } => cx.span().add_link(to, attributes),
        }
    }

    fn end_with_timestamp(&mut self, end: SystemTime) {
        if let Self::Own(span) = self {
            span.end_with_timestamp(end);
        }
    }
}
