//! Prints the services' log lines and the demo's own messages.

use std::io::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use clap::ValueEnum as _;
use serde_json::Value;
use viewer::LogLine;

use crate::role::Role;
use crate::terminal::{Ink, Screen};

/// Formats a log line for people: time, level, service, message, fields, trace id.
pub fn human(line: &LogLine, screen: Screen) -> String {
    let roles = Role::value_variants().iter();
    let number = roles.take_while(|role| role.name() != line.service).count();
    let service = screen.paint(Ink::Service(number), &format!("{:<9}", line.service));
    if line.is_plain_text() {
        return format!("{service} {}", line.raw);
    }
    let level = line.text("level").unwrap_or_default();
    let ink = match level {
        "ERROR" | "WARN" => Ink::Bad,
        _ => Ink::Dim,
    };
    let parts = [
        screen.paint(Ink::Dim, &time_of_day(line)),
        screen.paint(ink, &format!("{level:<5}")),
        service,
        line.text("message").unwrap_or_default().to_owned(),
        screen.paint(Ink::Dim, &fields(line)),
    ];
    let parts = parts.iter().filter(|part| !part.is_empty());
    parts.map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// Returns the time of a log line in UTC, such as `12:34:56.789Z`. The standard library cannot determine the local time
/// zone.
fn time_of_day(line: &LogLine) -> String {
    let Some(nanos) = line.time() else {
        return line.text("timestamp").unwrap_or_default().to_owned();
    };
    let time = UNIX_EPOCH + Duration::from_nanos(nanos);
    humantime::format_rfc3339_millis(time).to_string()[11..].to_owned()
}

fn fields(line: &LogLine) -> String {
    let own = line.own_fields();
    let own = own.map(|(name, value)| format!("{name}={}", compact(value)));
    let trace = line.trace_id().map(|id| format!("trace_id={id}"));
    own.chain(trace).collect::<Vec<_>>().join(" ")
}

/// Formats a field's value on one line: only the first line of a multi-line text, and numbers with two decimal places.
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
        super::human(&LogLine::parse("inventory", raw.to_owned()), Screen::PLAIN)
    }

    #[test]
    fn pretty_line_has_all_parts_in_order() {
        let line = human(
            r#"{"timestamp":"2026-11-22T12:34:56.789012Z","level":"INFO","service":"inventory","target":"x",
            "trace_id":"4bf9","span_id":"00f0","message":"stock taken","item_id":"item-123","remaining":7,"took":1.23456,"why":"a b"}"#,
        );
        assert_eq!(
            line,
            r#"12:34:56.789Z INFO  inventory stock taken item_id=item-123 remaining=7 took=1.23 why="a b" trace_id=4bf9"#
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
