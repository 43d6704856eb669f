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

use crate::semconv;

/// A span that has ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// The service whose provider made it; empty for the process's own.
    pub service: &'static str,
    /// 32 hex digits.
    pub trace_id: String,
    /// 16 hex digits.
    pub span_id: String,
    /// 16 hex digits, or `None` for a root.
    pub parent_id: Option<String>,
    /// Which side of which call it is.
    pub kind: SpanKind,
    /// Its name.
    pub name: String,
    /// Whether it failed.
    pub status: Status,
    /// Its attributes, by key, each with its type.
    pub attributes: BTreeMap<String, Value>,
    /// The keys of attributes that were recorded more than once, which no span should have: who reads it keeps either.
    pub repeated: Vec<String>,
    /// Its events, in order.
    pub events: Vec<Event>,
    /// Trace id and span id of what it is linked to.
    pub links: Vec<(String, String)>,
    /// When it started.
    pub start: SystemTime,
    /// When it ended.
    pub end: SystemTime,
}

/// Something that happened in a span.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its attributes, by key.
    pub attributes: BTreeMap<String, Value>,
}

/// The spans of one trace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace {
    /// By start time.
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

    /// From its start to its end.
    pub fn duration(&self) -> Duration {
        self.end.duration_since(self.start).unwrap_or_default()
    }

    /// An attribute as text, or `None` where the span does not have it. Its type is in [`attributes`](Self::attributes).
    pub fn attribute(&self, key: &str) -> Option<String> {
        self.attributes.get(key).map(ToString::to_string)
    }

    /// The `error.type`.
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

    /// The first span of this name, to look at its attributes and events.
    ///
    /// # Panics
    ///
    /// When there is none; the message shows the tree.
    #[track_caller]
    pub fn span(&self, name: &str) -> &Span {
        let span = self.spans.iter().find(|span| span.name == name);
        span.unwrap_or_else(|| panic!("no span is named `{name}` in this trace:\n{self}"))
    }

    /// The spans that are nobody's child: one in a whole trace that started in this process.
    pub fn roots(&self) -> Vec<&Span> {
        self.spans
            .iter()
            .filter(|span| span.parent_id.is_none())
            .collect()
    }

    /// The spans whose parent is not in the trace: it was lost, is not over, or is in a process that is not recorded.
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

    /// Asserts that the trace is whole: one root, and every other span has its parent. The one thing that a test of propagation
    /// has to say.
    ///
    /// # Panics
    ///
    /// When it is not; the message says which spans fell off, and shows the tree.
    #[track_caller]
    pub fn assert_joined(&self) {
        let problems = self.problems();
        assert!(
            problems.is_empty(),
            "the trace is not joined:\n- {}\nThis is there:\n{self}",
            problems.join("\n- ")
        );
    }

    fn problems(&self) -> Vec<String> {
        let roots = self.roots();
        let roots = match roots[..] {
            [_] => None,
            [] if self.spans.is_empty() => Some("it has no spans: none has ended".to_owned()),
            [] => Some("it has no root: the span that it began with has not ended here".to_owned()),
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
            format!("`{span}` is an orphan: no span here has the id of its parent, {parent}")
        };
        let orphans = self.orphans().into_iter().map(orphan);
        roots.into_iter().chain(orphans).collect()
    }

    /// One line a span: service, kind, name, error; children below their parent, by start time. Orphans come last, each
    /// with the parent it misses.
    pub fn tree(&self) -> String {
        let mut tree = String::new();
        for root in self.roots() {
            self.draw(&mut tree, root, 0);
        }
        for orphan in self.orphans() {
            let parent = orphan.parent_id.as_deref().unwrap_or_default();
            writeln!(tree, "orphan of {parent}:").expect("a String takes any text");
            self.draw(&mut tree, orphan, 1);
        }
        tree
    }

    fn draw(&self, tree: &mut String, span: &Span, depth: usize) {
        writeln!(tree, "{:indent$}{span}", "", indent = depth * 2)
            .expect("a String takes any text");
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
