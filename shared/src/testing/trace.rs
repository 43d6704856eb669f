//! [`Trace`]: recorded spans as a tree.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::{self, Write as _},
    time::{Duration, SystemTime},
};

use opentelemetry::{
    Value,
    trace::{SpanKind, Status},
};
use opentelemetry_sdk::trace::SpanData;

use crate::internal::semconv;

/// A span that has ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// Name of the service whose tracer provider created the span; empty for the global provider.
    pub service: &'static str,
    /// Trace id: 32 hex digits.
    pub trace_id: String,
    /// Span id: 16 hex digits.
    pub span_id: String,
    /// Span id of the parent: 16 hex digits, or `None` for a root span.
    pub parent_id: Option<String>,
    /// Span kind.
    pub kind: SpanKind,
    /// Span name.
    pub name: String,
    /// Span status.
    pub status: Status,
    /// Attributes by key, with their types.
    pub attributes: BTreeMap<String, Value>,
    /// Attribute keys that were recorded more than once. A backend keeps either value, so a correct span has no
    /// repeated keys.
    pub repeated: Vec<String>,
    /// Events, in order.
    pub events: Vec<Event>,
    /// Trace id and span id of each link.
    pub links: Vec<(String, String)>,
    /// Start time.
    pub start: SystemTime,
    /// End time.
    pub end: SystemTime,
}

/// An event of a span.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// Event name.
    pub name: String,
    /// Attributes by key.
    pub attributes: BTreeMap<String, Value>,
}

/// The spans of one trace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace {
    /// Spans, ordered by start time.
    pub spans: Vec<Span>,
}

impl Span {
    pub(super) fn new(service: &'static str, span: SpanData) -> Self {
        let attributes = |attributes: Vec<opentelemetry::KeyValue>| {
            attributes
                .into_iter()
                .map(|kv| (kv.key.to_string(), kv.value))
                .collect()
        };
        let mut seen = HashSet::new();
        let repeated = span.attributes.iter().filter(|kv| !seen.insert(&kv.key));
        let repeated = repeated.map(|kv| kv.key.to_string()).collect();
        Self {
            service,
            trace_id: span.span_context.trace_id().to_string(),
            span_id: span.span_context.span_id().to_string(),
            parent_id: (span.parent_span_id != opentelemetry::SpanId::INVALID)
                .then(|| span.parent_span_id.to_string()),
            kind: span.span_kind,
            name: span.name.into_owned(),
            status: span.status,
            attributes: attributes(span.attributes),
            repeated,
            events: span
                .events
                .into_iter()
                .map(|event| Event {
                    name: event.name.into_owned(),
                    attributes: attributes(event.attributes),
                })
                .collect(),
            links: span
                .links
                .iter()
                .map(|link| {
                    (
                        link.span_context.trace_id().to_string(),
                        link.span_context.span_id().to_string(),
                    )
                })
                .collect(),
            start: span.start_time,
            end: span.end_time,
        }
    }

    /// Returns the time from the start of the span to its end.
    pub fn duration(&self) -> Duration {
        self.end.duration_since(self.start).unwrap_or_default()
    }

    /// Returns an attribute as text, or `None` if the span does not have it. The field [`attributes`](Self::attributes)
    /// has the values with their types.
    pub fn attribute(&self, key: &str) -> Option<String> {
        self.attributes.get(key).map(ToString::to_string)
    }

    /// Returns the attribute `error.type`.
    pub fn error_type(&self) -> Option<String> {
        self.attribute(semconv::ERROR_TYPE)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.service.is_empty() {
            write!(f, "{} ", self.service)?;
        }
        write!(
            f,
            "{} {}",
            format!("{:?}", self.kind).to_uppercase(),
            self.name
        )?;
        if matches!(self.status, Status::Error { .. }) {
            write!(f, " [error: {}]", self.error_type().unwrap_or_default())?;
        }
        Ok(())
    }
}

impl Trace {
    pub(super) fn new(mut spans: Vec<Span>) -> Self {
        spans.sort_by_key(|span| span.start);
        Self { spans }
    }

    /// Returns the first span with this name.
    ///
    /// # Panics
    ///
    /// Panics if no span has this name. The message shows the tree.
    #[track_caller]
    pub fn span(&self, name: &str) -> &Span {
        let span = self.spans.iter().find(|span| span.name == name);
        span.unwrap_or_else(|| panic!("no span is named `{name}` in this trace:\n{self}"))
    }

    /// Returns the spans without a parent. A complete trace that started in this process has one root span.
    pub fn roots(&self) -> Vec<&Span> {
        self.spans
            .iter()
            .filter(|span| span.parent_id.is_none())
            .collect()
    }

    /// Returns the spans whose parent is not recorded: the parent was lost, has not ended, or belongs to another process.
    pub fn orphans(&self) -> Vec<&Span> {
        let known: HashSet<&str> = self
            .spans
            .iter()
            .map(|span| span.span_id.as_str())
            .collect();
        let is_orphan = |span: &&Span| {
            span.parent_id
                .as_deref()
                .is_some_and(|parent| !known.contains(parent))
        };
        self.spans.iter().filter(is_orphan).collect()
    }

    /// Asserts that the trace is complete: it has one root, and the parent of every other span is recorded.
    ///
    /// # Panics
    ///
    /// Panics if the trace is not complete. The message names the orphans and shows the tree.
    #[track_caller]
    pub fn assert_joined(&self) {
        let problems = self.problems();
        assert!(
            problems.is_empty(),
            "the trace is not joined:\n- {}\nRecorded spans:\n{self}",
            problems.join("\n- ")
        );
    }

    fn problems(&self) -> Vec<String> {
        let roots = self.roots();
        let roots = match roots[..] {
            [_] => None,
            [] if self.spans.is_empty() => Some("it has no ended spans".to_owned()),
            [] => Some("it has no root: the first span has not ended in this process".to_owned()),
            _ => {
                let names: Vec<String> = roots.iter().map(|root| format!("`{root}`")).collect();
                Some(format!(
                    "it has {} roots: {}",
                    roots.len(),
                    names.join(", ")
                ))
            }
        };
        let orphan = |span: &Span| {
            let parent = span.parent_id.as_deref().unwrap_or_default();
            format!("`{span}` is an orphan: its parent {parent} is not recorded")
        };
        let orphans = self.orphans().into_iter().map(orphan);
        roots.into_iter().chain(orphans).collect()
    }

    /// Returns one line for each span: service, kind, name, error. Children are indented under their parent, by start time.
    /// Orphans come last, each with the id of its missing parent.
    pub fn tree(&self) -> String {
        let mut tree = String::new();
        for root in self.roots() {
            self.draw(&mut tree, root, 0);
        }
        for orphan in self.orphans() {
            let parent = orphan.parent_id.as_deref().unwrap_or_default();
            writeln!(tree, "orphan of {parent}:").expect("writing to a String cannot fail");
            self.draw(&mut tree, orphan, 1);
        }
        tree
    }

    fn draw(&self, tree: &mut String, span: &Span, depth: usize) {
        writeln!(tree, "{:indent$}{span}", "", indent = depth * 2)
            .expect("writing to a String cannot fail");
        for child in self
            .spans
            .iter()
            .filter(|child| child.parent_id.as_deref() == Some(&span.span_id))
        {
            self.draw(tree, child, depth + 1);
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.tree())
    }
}
