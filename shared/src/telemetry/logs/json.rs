//! [`Json`]: formats an event as one JSON object.

use std::{
    fmt::{self, Write as _},
    time::SystemTime,
};

use serde_json::Number;
use tracing::{
    Event,
    field::{Field, Visit},
};
use tracing_log::NormalizeEvent as _;

use super::{
    buffers::{Buffers, Parts},
    current_ids, escape,
    secrets::Redacting,
};
use crate::propagation::hex_digits;

const MESSAGE: &str = "message";

pub(super) struct Json {
    /// The service name, escaped as the content of a JSON string.
    service: String,
}

impl Json {
    pub(super) fn new(service: &str) -> Self {
        let mut escaped = String::new();
        escape::push_json(&mut escaped, service);
        Self { service: escaped }
    }

    /// Writes an event with its keys in a fixed order: timestamp, level and message, then trace id, span id,
    /// service and target, then the other fields, sorted.
    pub(super) fn write(&self, event: &Event<'_>, time: SystemTime, buffers: &mut Buffers) {
        let Buffers { line, text, parts } = buffers;
        let record = event.normalized_metadata();
        let metadata = record.as_ref().unwrap_or(event.metadata());
        let ids = current_ids(event);
        let mut fields = Fields {
            text,
            is_log_record: record.is_some(),
            parts,
        };
        event.record(&mut Redacting(&mut fields));
        line.push_str("{\"timestamp\":\"");
        push(line, humantime::format_rfc3339_micros(time));
        line.push_str("\",\"level\":\"");
        line.push_str(metadata.level().as_str());
        line.push('"');
        fields.push_message_to(line);
        if let Some((trace_id, span_id)) = ids {
            line.push_str(",\"trace_id\":\"");
            push_hex(line, &trace_id.to_bytes());
            line.push_str("\",\"span_id\":\"");
            push_hex(line, &span_id.to_bytes());
            line.push('"');
        }
        line.push_str(",\"service\":\"");
        line.push_str(&self.service);
        line.push_str("\",\"target\":\"");
        escape::push_json(line, metadata.target());
        line.push('"');
        fields.push_others_to(line);
        line.push('}');
    }
}

/// Collects the fields of an event as JSON.
struct Fields<'a> {
    /// The fields as `"key":value` pairs without separators.
    text: &'a mut String,
    /// Whether the event is a record of the `log` crate, whose metadata fields (`log.target` and others) are
    /// skipped.
    is_log_record: bool,
    parts: &'a mut Parts,
}

impl Fields<'_> {
    fn add(&mut self, field: &Field, push_value: impl FnOnce(&mut String)) {
        if self.is_log_record && field.name().starts_with("log.") {
            return;
        }
        let key = not_reserved(field.name());
        let start = self.text.len();
        self.text.push('"');
        escape::push_json(self.text, key);
        self.text.push_str("\":");
        push_value(self.text);
        self.parts.push((key, start..self.text.len()));
    }

    fn add_text(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        self.add(field, |line| {
            line.push('"');
            // If the value fails to format, the part written so far is kept.
            let _ = Text(line).write_fmt(text);
            line.push('"');
        });
    }

    /// Writes the message of the event. If the event has several messages, only the last one is written.
    fn push_message_to(&self, line: &mut String) {
        let message = self.parts.iter().rfind(|(key, _)| *key == MESSAGE);
        if let Some((_, part)) = message {
            line.push(',');
            line.push_str(&self.text[part.clone()]);
        }
    }

    /// Writes each key except the message once, sorted. If a key is repeated, its last value is written.
    fn push_others_to(&mut self, line: &mut String) {
        self.parts.retain(|(key, _)| *key != MESSAGE);
        self.parts.sort_by_key(|(key, _)| *key);
        for (at, (key, part)) in self.parts.iter().enumerate() {
            let next = self.parts.get(at + 1);
            if next.is_none_or(|(next, _)| next != key) {
                line.push(',');
                line.push_str(&self.text[part.clone()]);
            }
        }
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON cannot express infinity and NaN, so both are written as `null`.
        self.add(field, |line| match Number::from_f64(value) {
            Some(number) => push(line, number),
            None => line.push_str("null"),
        });
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, |line| push(line, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, |line| push(line, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, |line| push(line, value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, |line| {
            line.push('"');
            escape::push_json(line, value);
            line.push('"');
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add_text(field, format_args!("{value:?}"));
    }
}

/// Escapes formatted text as the content of a JSON string.
struct Text<'a>(&'a mut String);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape::push_json(self.0, text);
        Ok(())
    }
}

fn push(line: &mut String, value: impl fmt::Display) {
    // Writing to a string cannot fail.
    let _ = write!(line, "{value}");
}

fn push_hex(line: &mut String, bytes: &[u8]) {
    line.extend(bytes.iter().copied().flat_map(hex_digits).map(char::from));
}

/// Renames a field that has the name of a standard key of the log line, so that each key is unique.
fn not_reserved(field: &'static str) -> &'static str {
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
