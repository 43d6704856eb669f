//! A log line of a service, parsed from JSON.

use serde_json::{Map, Value};

/// One line of a service's standard output.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// Name of the service that wrote the line.
    pub service: String,
    /// The line as the service wrote it.
    pub raw: String,
    fields: Map<String, Value>,
}

/// Fields that are formatted separately or are of no use to a reader.
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
    /// Parses a log line. A line that is not a JSON object has no fields.
    pub fn parse(service: &str, raw: String) -> Self {
        let fields = serde_json::from_str(&raw).unwrap_or_default();
        let service = service.to_owned();
        Self {
            service,
            raw,
            fields,
        }
    }

    /// Returns the value of a string field, if there is one.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }

    /// Returns the trace id of the line, if there is one.
    pub fn trace_id(&self) -> Option<&str> {
        self.text("trace_id")
    }

    /// Returns the id of the span that was current when the line was written.
    pub fn span_id(&self) -> Option<&str> {
        self.text("span_id")
    }

    /// Returns the timestamp of the line in nanoseconds since 1970.
    pub fn time(&self) -> Option<u64> {
        let time = humantime::parse_rfc3339_weak(self.text("timestamp")?).ok()?;
        let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
        u64::try_from(since.as_nanos()).ok()
    }

    /// Returns the approximate memory of the line in bytes. The text counts twice, since the parsed fields contain it
    /// again.
    pub fn weight(&self) -> usize {
        const FIELD: usize = 128;
        256 + 2 * self.raw.len() + FIELD * self.fields.len()
    }

    /// Returns whether the line is not a JSON object, or is an empty one.
    pub fn is_plain_text(&self) -> bool {
        self.fields.is_empty()
    }

    /// Returns the fields of this log event, without those that every line has.
    pub fn own_fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        let fields = self
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value));
        fields.filter(|(name, _)| !PLACED.contains(name))
    }
}
