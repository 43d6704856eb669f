//! [`Pretty`]: the layer that writes an event as a line for people, built in a reusable buffer.

use std::{
    cell::RefCell,
    fmt::{self, Write as _},
    time::{SystemTime, UNIX_EPOCH},
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use super::{current_ids, escape, output, secrets::Redacting};

/// Maximum buffer size to keep for the next line.
const KEPT_BYTES: usize = 16 * 1024;

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

pub(super) struct Pretty {
    service: String,
    color: bool,
}

#[derive(Default)]
struct Buffers {
    line: String,
    /// The line after the level, not yet escaped.
    text: String,
}

impl Pretty {
    pub(super) fn new(service: String, color: bool) -> Self {
        Self { service, color }
    }

    fn log(&self, event: &Event<'_>, buffers: &mut Buffers) {
        let Buffers { line, text } = buffers;
        line.clear();
        text.clear();
        let level = *event.metadata().level();
        // The formatter cannot express times before 1970. Writing to a string cannot fail.
        let now = SystemTime::now().max(UNIX_EPOCH);
        let _ = write!(line, "{} ", humantime::format_rfc3339_micros(now));
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
        line.push('\n');
        output::log(line, level);
        line.shrink_to(KEPT_BYTES);
        text.shrink_to(KEPT_BYTES);
    }
}

impl<S: Subscriber> Layer<S> for Pretty {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let logged = BUFFERS.try_with(|buffers| {
            let mut buffers = buffers.try_borrow_mut().ok()?;
            self.log(event, &mut buffers);
            Some(())
        });
        // A value logs while it is formatted, or the thread is ending.
        if !matches!(logged, Ok(Some(()))) {
            self.log(event, &mut Buffers::default());
        }
    }
}

/// Returns the color code that `tracing-subscriber` uses: red, yellow, green, blue or magenta.
fn color_of(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

/// Writes the message unchanged, and other fields as `key=value`.
struct Fields<'a> {
    text: &'a mut String,
    start: usize,
}

impl Fields<'_> {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let name = field.name();
        // Metadata of a record of the `log` crate.
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
