//! Log lines with the `trace_id` and `span_id` of the current span. The documentation of [`telemetry`](super)
//! describes the format and delivery of log lines.
//!
//! The modules `json` and `pretty` format a line, and `escape` escapes the characters that control a
//! terminal. The module `output` passes the line to the thread of `writer`.

mod buffers;
mod escape;
mod json;
mod line;
mod output;
mod pretty;
mod secrets;
mod writer;

use std::str::FromStr;

use opentelemetry::{
    Context,
    trace::{SpanId, TraceContextExt as _, TraceId},
};
use tracing::{Event, Subscriber, span::Id};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::Layer;

#[cfg(feature = "serve")]
pub(crate) use self::output::close;
pub(crate) use self::output::{CloseOnDrop, flush};
use self::{json::Json, line::Lines, pretty::Pretty};
use crate::internal::{stdio::Stream, thread_context};

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Pretty,
}

impl FromStr for Format {
    type Err = ();

    fn from_str(value: &str) -> Result<Self, ()> {
        match value {
            "json" => Ok(Self::Json),
            "pretty" => Ok(Self::Pretty),
            _ => Err(()),
        }
    }
}

/// Creates the layer that writes log lines to standard output.
pub(crate) fn layer<S: Subscriber>(service: String, format: Format) -> impl Layer<S> + use<S> {
    output::start();
    match format {
        Format::Json => Lines::Json(Json::new(&service)),
        Format::Pretty => Lines::Pretty(Pretty::new(service, Stream::Stdout.has_color())),
    }
}

/// Returns the trace and span ids for an event: those of its explicit parent span, or else of the current
/// span.
fn current_ids(event: &Event<'_>) -> Option<(TraceId, SpanId)> {
    // The OpenTelemetry API logs warnings while it changes the current context, and panics if the current
    // context is read during that time.
    if event.metadata().target() == "opentelemetry" {
        return None;
    }
    if let Some(cx) = event.parent().and_then(context_of) {
        return ids(&cx);
    }
    thread_context::map_current(ids).flatten()
}

/// Returns the context of an event's explicit parent span, if it is in a trace.
fn context_of(span: &Id) -> Option<Context> {
    tracing::dispatcher::get_default(|dispatch| get_otel_context(span, dispatch))
}

fn ids(cx: &Context) -> Option<(TraceId, SpanId)> {
    let span = cx.span();
    let context = span.span_context();
    context
        .is_valid()
        .then(|| (context.trace_id(), context.span_id()))
}
