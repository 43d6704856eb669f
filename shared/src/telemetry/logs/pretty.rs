//! [`Pretty`]: formats an event as a human-readable line.

use std::{
    fmt::{self, Write as _},
    time::SystemTime,
};

use tracing::{
    Event, Level,
    field::{Field, Visit},
};

use super::{buffers::Buffers, current_ids, escape, secrets::Redacting};

pub(super) struct Pretty {
    service: String,
    color: bool,
}

impl Pretty {
    pub(super) fn new(service: String, color: bool) -> Self {
        Self { service, color }
    }

    pub(super) fn write(&self, event: &Event<'_>, time: SystemTime, buffers: &mut Buffers) {
        // The part of the line after the level is built in `text` and then escaped. Writing to a string
        // cannot fail.
        let Buffers { line, text, .. } = buffers;
        let level = *event.metadata().level();
        let _ = write!(line, "{} ", humantime::format_rfc3339_micros(time));
        let _ = if self.color {
            write!(line, "\x1b[{}m{level:>5}\x1b[0m ", color_of(level))
        } else {
            write!(line, "{level:>5} ")
        };
        let _ = write!(text, "{:<9} ", self.service);
        event.record(&mut Redacting(&mut Fields {
            start: text.len(),
            text,
        }));
        if let Some((trace_id, span_id)) = current_ids(event) {
            let _ = write!(text, " trace_id={trace_id} span_id={span_id}");
        }
        line.push_str(&escape::line(text));
    }
}

/// Returns the color code of a level, the same as in `tracing-subscriber`: red, yellow, green, blue or
/// magenta.
fn color_of(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

/// Writes the message of an event unchanged, and other fields as `key=value`.
struct Fields<'a> {
    text: &'a mut String,
    start: usize,
}

impl Fields<'_> {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let name = field.name();
        // Skips the metadata of a record of the `log` crate.
        if name.starts_with("log.") {
            return;
        }
        if self.text.len() > self.start {
            self.text.push(' ');
        }
        if name != MESSAGE {
            self.text.push_str(name.strip_prefix("r#").unwrap_or(name));
            self.text.push('=');
        }
        // If the value fails to format, the part written so far is kept.
        let _ = self.text.write_fmt(value);
    }
}

const MESSAGE: &str = "message";

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == MESSAGE {
            self.add(field, format_args!("{value}"));
        } else {
            self.add(field, format_args!("{value:?}"));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}
