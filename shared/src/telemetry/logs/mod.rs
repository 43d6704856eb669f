//! Log lines with the `trace_id` and `span_id` of the current span.
//!
//! `LOG_FORMAT=json` (the default) writes one JSON object per line, with these keys in
//! this order: `timestamp`, `level`, `message`, `trace_id`, `span_id`, `service`, `target`, and the event's
//! other fields, sorted.
//! `LOG_FORMAT=pretty` is for people to read, with colors on a terminal unless `NO_COLOR`, `CLICOLOR=0`
//! or `TERM=dumb` is set. Outside a span both ids are omitted. An event is always one line, and
//! characters that control a terminal are escaped (`escape`).
//!
//! A dedicated thread writes the lines (`writer`) in order and several at once: the first line after a
//! pause without delay, the others within a few milliseconds. When a call that logs an error returns,
//! that line and all earlier ones are written, for up to a hundred errors per second. The same holds
//! for a panic, and for every line after telemetry has ended (shutdown or drop). A second signal flushes
//! the log, too. A process that is killed, aborts without a panic or calls `exit` while telemetry is
//! running therefore loses at most the last few milliseconds, and errors only if they came faster than
//! that.
//!
//! While standard output accepts nothing, up to 4 MiB of lines are kept. A thread that logs an error or
//! finds the buffer full waits for one second, once. After that no thread waits until standard output
//! accepts lines again; lines that exceed the buffer are lost, and an error reports their number as soon
//! as there is capacity for it. When telemetry ends, the log is closed: lines are written for up to
//! five seconds while standard output accepts any, and for one second while it accepts none. The rest
//! is lost, and a line on standard error reports their number. Standard output may be non-blocking.
//!
//! Standard error receives the lines that standard output refuses because its disk is full, its reader
//! is gone, or it was closed when the process started (`>&-`). In the last case Rust opens `/dev/null`
//! in its place for reading and writing, which is how it is recognized; `> /dev/null` discards the
//! lines.

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

/// Returns the ids of the current span, if any.
fn current_ids(event: &Event<'_>) -> Option<(TraceId, SpanId)> {
    // The API logs warnings while it changes the current context, and panics if that is read meanwhile.
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
