//! The tracer behind `tracing` spans. It continues a span that this crate has started already, instead of making another
//! one: `tracing::Span::current()` in a handler is the request's SERVER span.

use std::{borrow::Cow, time::SystemTime};

use opentelemetry::{
    Context, KeyValue,
    trace::{Span, SpanBuilder, SpanContext, Status, TraceContextExt as _, Tracer as ApiTracer},
};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::{Metadata, field::Empty};

use crate::{clock::Clock, span::request, tracer::Timed};

/// Names the spans that [`adopt`] makes, for the tracer below and for filters. It is in no trace.
const NAME: &str = "shared::request";

/// Makes a `tracing` span that stands for the span of the current context.
pub(super) fn adopt() -> tracing::Span {
    // The level passes every filter but `off`. Handlers can record the fields.
    tracing::error_span!(
        NAME,
        error.r#type = Empty,
        enduser.id = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
        session.id = Empty,
        user.id = Empty,
    )
}

/// Whether the metadata is that of the spans that [`adopt`] makes. They must pass, whatever levels are set.
pub(super) fn is_adopted(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.name() == NAME
}

/// The tracer of the span layer.
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
    reason = "a box would be one more allocation for nearly every span"
)]
pub(super) enum TracingSpan {
    Own(Timed<opentelemetry_sdk::trace::Span>),
    /// The span of this context, which ends where it was started.
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
            // The layer sets this one when it starts a span.
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
