//! Log lines that name their trace: `trace_id` and `span_id` of whatever span is current, on every line, by themselves.
//!
//! `LOG_FORMAT=json` (the default) writes one JSON object a line, with `timestamp`, `level`, `service`, `target`,
//! `trace_id`, `span_id`, `message` and the event's own fields at top level. `LOG_FORMAT=pretty` writes for people.
//! Outside of a span the two ids are left out. Whatever an event says, it is one line, and nothing in it is a command to a
//! terminal (`escape`).
//!
//! A thread of its own writes the lines (`writer`), in their order and several at once: the first after a pause without delay,
//! the others within a few milliseconds. An error is written when its call returns, and everything that was said before it, for
//! up to a hundred errors a second; so is a panic before it goes on, and every line from the end of telemetry on (its shutdown,
//! or that it is dropped). At a second signal what waits is written, too. So a process that is killed, aborts without a panic
//! or calls `exit` with telemetry still up loses no more than the last few milliseconds, and no error but those of a storm.
//!
//! Where standard output takes nothing, 4 MiB of lines wait, and who logs an error or finds no room waits for a second, once.
//! From then on nobody waits until it takes lines again; those without room are lost, and an error says how many, as soon as
//! there is room for it. Where standard output is closed, standard error gets the lines.

mod escape;
mod json;
mod output;
mod writer;

use std::{fmt, str::FromStr};

use opentelemetry::{
    Context,
    trace::{SpanId, TraceContextExt as _, TraceId},
};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    Layer,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

pub(crate) use self::output::{FlushOnDrop, flush};
use self::{json::Json, output::Output};

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
        Format::Pretty => {
            let layer = tracing_subscriber::fmt::layer().with_writer(Output);
            Box::new(layer.event_format(Pretty { service }))
        }
    }
}

/// Of the span that is current, if there is one.
fn current_ids(event: &Event<'_>) -> Option<(TraceId, SpanId)> {
    // The API's own warnings come while it changes the current context, which it panics to be asked for then.
    if event.metadata().target() == "opentelemetry" {
        return None;
    }
    Context::map_current(|cx| {
        let span = cx.span();
        let context = span.span_context();
        context
            .is_valid()
            .then(|| (context.trace_id(), context.span_id()))
    })
}

struct Pretty {
    service: String,
}

impl<S, N> FormatEvent<S, N> for Pretty
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        cx: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        SystemTime.format_time(&mut line)?;
        write!(
            line,
            " {:>5} {:<9} ",
            event.metadata().level(),
            self.service
        )?;
        cx.field_format().format_fields(line.by_ref(), event)?;
        if let Some((trace_id, span_id)) = current_ids(event) {
            write!(line, " trace_id={trace_id} span_id={span_id}")?;
        }
        writeln!(line)
    }
}
