//! Log lines that name their trace: each line has the `trace_id` and `span_id` of the current span.
//!
//! `LOG_FORMAT=json` (the default) writes one JSON object a line, with `timestamp`, `level`, `service`, `target`,
//! `trace_id`, `span_id`, `message` and the event's own fields at top level. `LOG_FORMAT=pretty` writes for people, with colors
//! on a terminal unless `NO_COLOR`, `CLICOLOR=0` or `TERM=dumb` is set. Outside of a span the two ids are left out. An event is
//! always one line, and nothing in it controls a terminal (`escape`).
//!
//! A thread of its own writes the lines (`writer`), in their order and several at once: the first after a pause without delay,
//! the others within a few milliseconds. An error is written when its call returns, and all lines before it, for
//! up to a hundred errors a second; so is a panic before it goes on, and every line from the end of telemetry on (its shutdown,
//! or its drop). A second signal flushes the log, too. So a process that is killed, aborts without a panic
//! or calls `exit` while telemetry is up loses no more than the last few milliseconds, and no error but those of a storm.
//!
//! While standard output takes nothing, 4 MiB of lines are kept, and a thread that logs an error or finds no room waits for a
//! second, once. From then on no thread waits until it takes lines again; those without room are lost, and an error says how
//! many, as soon as there is room for it. At the end of telemetry the log is closed: lines are written for up to five
//! seconds while standard output takes any, and for one second while it takes none. The others are lost, and a line on standard
//! error has their number. Standard output may be non-blocking.
//!
//! Standard error receives the lines that standard output refuses: its disk is full, its reader is gone, or it was closed when
//! the process started (`>&-`). Rust then opens `/dev/null` in its place, for reading and writing, which is how the log
//! recognizes it: `> /dev/null` discards the lines.

mod escape;
mod json;
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
use tracing_subscriber::{Layer, registry::LookupSpan};

pub(crate) use self::output::{CloseOnDrop, close, flush};
use self::{json::Json, pretty::Pretty};
use crate::{stdio::Stream, thread_context};

/// The shape of a log line.
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

/// The layer that writes log lines to standard output.
pub(crate) fn layer<S>(service: String, format: Format) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    output::start();
    match format {
        Format::Json => Box::new(Json::new(&service)),
        Format::Pretty => Box::new(Pretty::new(service, Stream::Stdout.has_color())),
    }
}

/// The ids of the current span, if there is one.
fn current_ids(event: &Event<'_>) -> Option<(TraceId, SpanId)> {
    // The API's own warnings come while it changes the current context, which it panics to be asked for then.
    if event.metadata().target() == "opentelemetry" {
        return None;
    }
    if let Some(cx) = event.parent().and_then(context_of) {
        return ids(&cx);
    }
    thread_context::map_current(ids).flatten()
}

/// The context of the span that an event names as its parent, if it is in a trace.
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
