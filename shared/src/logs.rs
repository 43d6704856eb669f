//! Log lines that name their trace: `trace_id` and `span_id` of whatever span is current, on every line, by themselves.
//!
//! `LOG_FORMAT=json` (the default) writes one JSON object a line, with `timestamp`, `level`, `service`, `target`,
//! `trace_id`, `span_id`, `message` and the event's own fields at top level. `LOG_FORMAT=pretty` writes for people.
//! Outside of a span the two ids are left out. Whatever an event says, it is one line, and nothing in it is a command to a
//! terminal (`output`).

mod output;

use std::{fmt, str::FromStr};

use json_subscriber::JsonLayer;
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt as _},
};
use tracing::{Event, Subscriber};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::{
    Layer,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

use self::output::Output;

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
    match format {
        Format::Json => Box::new(json(service)),
        Format::Pretty => {
            let layer = tracing_subscriber::fmt::layer().with_writer(|| Output);
            Box::new(layer.event_format(Pretty { service }))
        }
    }
}

fn json<S>(service: String) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let mut layer = JsonLayer::new(|| Output);
    layer.with_timer("timestamp", SystemTime);
    layer.with_level("level");
    layer.add_dynamic_field("target", |event, _| Some(target(event)));
    layer.add_static_field("service", service.into());
    layer.add_dynamic_field("trace_id", |event, _| {
        with_current(event, |span| span.trace_id().to_string())
    });
    layer.add_dynamic_field("span_id", |event, _| {
        with_current(event, |span| span.span_id().to_string())
    });
    layer.with_flattened_event_with_renames(|name, ()| not_reserved(name), ());
    layer
}

/// Where the event comes from; a record of the `log` crate says so in a field.
fn target(event: &Event<'_>) -> String {
    let record = event.normalized_metadata();
    record
        .as_ref()
        .unwrap_or(event.metadata())
        .target()
        .to_owned()
}

fn with_current<T>(event: &Event<'_>, f: impl FnOnce(&SpanContext) -> T) -> Option<T> {
    // The API's own warnings come while it changes the current context, which it panics to be asked for then.
    if event.metadata().target() == "opentelemetry" {
        return None;
    }
    Context::map_current(|cx| {
        let span = cx.span();
        span.span_context()
            .is_valid()
            .then(|| f(span.span_context()))
    })
}

/// A line is one object with each key once, whatever an event calls its fields.
fn not_reserved(field: &str) -> &str {
    match field {
        "timestamp" => "event.timestamp",
        "level" => "event.level",
        "target" => "event.target",
        "service" => "event.service",
        "trace_id" => "event.trace_id",
        "span_id" => "event.span_id",
        _ => field,
    }
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
        if let Some(ids) = with_current(event, |span| {
            format!(" trace_id={} span_id={}", span.trace_id(), span.span_id())
        }) {
            line.write_str(&ids)?;
        }
        writeln!(line)
    }
}
