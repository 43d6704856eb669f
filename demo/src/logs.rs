//! The services' log lines, parsed from JSON and formatted for people or passed on unchanged.

use std::io::Write as _;

use serde_json::{Map, Value};

use crate::cli::Role;
use crate::terminal::{Ink, Screen};

/// One line of a service's standard output.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// The service that wrote it.
    pub role: Role,
    /// The original line.
    pub raw: String,
    fields: Map<String, Value>,
}

/// Fields that are formatted separately or add nothing for a reader.
const PLACED: [&str; 7] = [
    "timestamp",
    "level",
    "service",
    "message",
    "target",
    "trace_id",
    "span_id",
];

impl LogLine {
    /// Parses a line. A line that is not a JSON object has no fields.
    pub fn parse(role: Role, raw: String) -> Self {
        let fields = serde_json::from_str(&raw).unwrap_or_default();
        Self { role, raw, fields }
    }

    /// Returns a string field.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }

    /// Returns a number field, or 0 if it is missing.
    pub fn number(&self, field: &str) -> u64 {
        let number = self.fields.get(field).and_then(Value::as_u64);
        number.unwrap_or(0)
    }

    /// Returns the trace of the line, if any.
    pub fn trace_id(&self) -> Option<&str> {
        self.text("trace_id")
    }

    /// Returns the span that was current when the line was written.
    pub fn span_id(&self) -> Option<&str> {
        self.text("span_id")
    }

    /// Returns the time of the line in nanoseconds since 1970.
    pub fn time(&self) -> Option<u64> {
        let time = humantime::parse_rfc3339_weak(self.text("timestamp")?).ok()?;
        let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
        u64::try_from(since.as_nanos()).ok()
    }

    /// Returns the approximate memory of the line in bytes: the text, and again as fields.
    pub fn weight(&self) -> usize {
        const FIELD: usize = 128;
        256 + 2 * self.raw.len() + FIELD * self.fields.len()
    }

    /// Returns the fields of this event, as text.
    pub fn own_fields(&self) -> impl Iterator<Item = (&str, String)> {
        let own = self.fields.iter();
        let own = own.filter(|(name, _)| !PLACED.contains(&name.as_str()));
        own.map(|(name, value)| match value {
            Value::String(text) => (name.as_str(), text.clone()),
            other => (name.as_str(), other.to_string()),
        })
    }

    /// Formats the line for people: time, level, service, message, fields, trace id.
    pub fn human(&self, screen: Screen) -> String {
        let name = format!("{:<9}", self.role.name());
        let service = screen.paint(Ink::Service(self.role as usize), &name);
        if self.fields.is_empty() {
            return format!("{service} {}", self.raw);
        }
        let level = self.text("level").unwrap_or_default();
        let ink = match level {
            "ERROR" | "WARN" => Ink::Bad,
            _ => Ink::Dim,
        };
        let parts = [
            screen.paint(Ink::Dim, self.time_of_day()),
            screen.paint(ink, &format!("{level:<5}")),
            service,
            self.text("message").unwrap_or_default().to_owned(),
            screen.paint(Ink::Dim, &self.other_fields()),
        ];
        let parts = parts.iter().filter(|part| !part.is_empty());
        parts.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Returns `12:34:56.789` from `2026-11-22T12:34:56.789012Z`.
    pub fn time_of_day(&self) -> &str {
        let timestamp = self.text("timestamp").unwrap_or_default();
        timestamp.get(11..23).unwrap_or(timestamp)
    }

    fn other_fields(&self) -> String {
        let others = self.fields.iter();
        let others = others.filter(|(name, _)| !PLACED.contains(&name.as_str()));
        let trace = self.fields.get_key_value("trace_id");
        others
            .chain(trace)
            .map(|(name, value)| format!("{name}={}", compact(value)))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Formats a value on one line: the first line of a text with many lines, two digits of a fraction.
fn compact(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) if number.is_f64() => {
            return format!("{:.2}", number.as_f64().unwrap_or(f64::NAN));
        }
        other => return other.to_string(),
    };
    match text.split_once('\n') {
        Some((first, _)) => format!("{:?}", format!("{first} …")),
        None if text.contains(char::is_whitespace) || text.is_empty() => format!("{text:?}"),
        None => text.clone(),
    }
}

/// Writes a line to standard output. A closed pipe, as after `| head`, must not stop the services.
pub fn print(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Writes a message of the demo to standard error. Standard output is for the services' logs.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn human(raw: &str) -> String {
        LogLine::parse(Role::Inventory, raw.to_owned()).human(Screen::PLAIN)
    }

    #[test]
    fn pretty_line_has_all_parts_in_order() {
        let line = human(
            r#"{"timestamp":"2026-11-22T12:34:56.789012Z","level":"INFO","service":"inventory","target":"x",
            "trace_id":"4bf9","span_id":"00f0","message":"stock taken","item_id":"item-123","remaining":7,"took":1.23456,"why":"a b"}"#,
        );
        assert_eq!(
            line,
            r#"12:34:56.789 INFO  inventory stock taken item_id=item-123 remaining=7 took=1.23 why="a b" trace_id=4bf9"#
        );
    }

    #[test]
    fn non_json_line_keeps_text_and_service() {
        assert_eq!(human("plain words"), "inventory plain words");
    }

    #[test]
    fn multiline_text_is_shortened_to_first_line() {
        let line = human(r#"{"level":"ERROR","message":"panicked","stack":"one\ntwo"}"#);
        assert!(line.ends_with(r#"panicked stack="one …""#), "{line}");
    }
}
