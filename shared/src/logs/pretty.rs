//! [`Pretty`]: the layer that writes an event as a line for people, put together in one buffer that is used again.

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

/// A buffer that a long line has enlarged keeps this much for the next line.
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
    /// What follows the level, not escaped.
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
        // A clock before 1970 has no such text. Infallible: it is a string.
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
        // A value that logs while it is formatted, or a thread that is ending.
        if !matches!(logged, Ok(Some(()))) {
            self.log(event, &mut Buffers::default());
        }
    }
}

/// The codes that `tracing-subscriber` uses: red, yellow, green, blue, magenta.
fn color_of(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

/// Writes the message as it is, and other fields as `key=value`.
struct Fields<'a> {
    text: &'a mut String,
    start: usize,
}

impl Fields<'_> {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let name = field.name();
        // The `log` crate's metadata of a record.
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
        // Fails if the value cannot be formatted: what it wrote before that is kept.
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
