//! Lays out a trace as a waterfall: the row, depth and bar of each span.
//!
//! [`crate::pages`] draws the layout as HTML. Real traces are incomplete: parents never arrive, clocks disagree, and
//! spans may name each other as parents. Every span still gets a row.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use crate::attributes;
use crate::store::{SpanId, StoredSpan, Trace};

pub(crate) mod critical;
pub(crate) mod skew;

pub use crate::duration::human_duration;

/// A trace, ready to draw.
#[derive(Debug, Default)]
pub struct Waterfall {
    /// Rows in tree order: a span before its children, siblings by start time.
    pub rows: Vec<Row>,
    /// Services in order of appearance; [`Row::service`] is an index.
    pub services: Vec<String>,
    /// Start of the earliest span, in nanoseconds since 1970.
    pub start: u64,
    /// Time from the earliest start to the latest end, in nanoseconds.
    pub duration: u64,
}

/// One span's row.
#[derive(Debug)]
pub struct Row {
    /// The span.
    pub span: Arc<StoredSpan>,
    /// Index into [`Waterfall::services`].
    pub service: usize,
    /// Number of ancestors in this trace.
    pub depth: usize,
    /// Index of the parent in [`Waterfall::rows`], or `None` for a root or an orphan.
    pub parent: Option<usize>,
    /// Number of descendants.
    pub below: usize,
    /// Position in the tree.
    pub position: Position,
    /// Start of the bar, as a fraction of the width.
    pub offset: f64,
    /// Length of the bar, as a fraction of the width.
    pub width: f64,
}

/// Position of a span in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// A span without a parent, which starts the trace.
    Root,
    /// A span under its parent.
    Child,
    /// A span whose parent is missing: the parent has not arrived yet, belongs to a caller that sends no spans, or was
    /// lost.
    Orphan,
}

impl Waterfall {
    /// Lays out the spans of `trace`.
    pub fn of(trace: &Trace) -> Self {
        let start = trace.start();
        let duration = trace.spans.iter().map(|span| end(span)).max().unwrap_or(0) - start;
        let mut waterfall = Self {
            rows: Vec::with_capacity(trace.spans.len()),
            services: Vec::new(),
            start,
            duration,
        };
        let mut services = HashMap::new();
        for (span, depth, position) in tree(&trace.spans) {
            let name = span.source.service.as_str();
            let known = services.get(name).copied();
            let service = known.unwrap_or_else(|| {
                waterfall.services.push(name.to_owned());
                services.insert(name.to_owned(), services.len());
                services.len() - 1
            });
            waterfall.push(span, service, depth, position);
        }
        waterfall.count_below();
        waterfall
    }

    /// Returns whether all spans are connected under one root.
    pub fn is_joined(&self) -> bool {
        self.count(Position::Root) == 1 && self.count(Position::Orphan) == 0
    }

    /// Returns the number of rows with this position in the tree.
    pub fn count(&self, position: Position) -> usize {
        self.rows
            .iter()
            .filter(|row| row.position == position)
            .count()
    }

    /// Returns the row that names the trace: the root, or else the first row.
    pub fn first(&self) -> Option<&Row> {
        let root = self.rows.iter().find(|row| row.position == Position::Root);
        root.or_else(|| self.rows.first())
    }

    /// Returns the row of a span.
    pub fn find(&self, id: SpanId) -> Option<&Row> {
        self.rows.iter().find(|row| row.span.id == id)
    }

    /// Returns the failed spans, in tree order.
    pub fn failed(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.error().is_some())
    }

    /// Counts the descendants of each row. Rows are in tree order, so a parent's count is final once all later rows
    /// have been added.
    fn count_below(&mut self) {
        for at in (0..self.rows.len()).rev() {
            if let Some(parent) = self.rows[at].parent {
                self.rows[parent].below += 1 + self.rows[at].below;
            }
        }
    }

    fn push(&mut self, span: Arc<StoredSpan>, service: usize, depth: usize, position: Position) {
        let begin = span.span.start_time_unix_nano;
        // Rows are in tree order, so the parent of the new row is the latest row or one of its ancestors.
        let mut parent = self.rows.len().checked_sub(1);
        while let Some(at) = parent.filter(|&at| self.rows[at].depth >= depth) {
            parent = self.rows[at].parent;
        }
        self.rows.push(Row {
            service,
            depth,
            parent,
            below: 0,
            position,
            offset: fraction(begin - self.start, self.duration),
            width: fraction(end(&span) - begin, self.duration),
            span,
        });
    }
}

impl Row {
    /// Returns the span kind as written in the specification, without the prefix `SPAN_KIND_`.
    pub fn kind(&self) -> &'static str {
        match self.span.span.kind() {
            SpanKind::Server => "SERVER",
            SpanKind::Client => "CLIENT",
            SpanKind::Producer => "PRODUCER",
            SpanKind::Consumer => "CONSUMER",
            SpanKind::Internal | SpanKind::Unspecified => "INTERNAL",
        }
    }

    /// Returns the duration in nanoseconds, or 0 if the end is before the start.
    pub fn duration(&self) -> u64 {
        self.end() - self.start()
    }

    /// Returns the start of the span in nanoseconds since 1970.
    pub fn start(&self) -> u64 {
        self.span.span.start_time_unix_nano
    }

    /// Returns the end of the span in nanoseconds since 1970, never before its start.
    pub fn end(&self) -> u64 {
        end(&self.span)
    }

    /// Returns the value of an attribute as text.
    pub fn attribute(&self, key: &str) -> Option<String> {
        attributes::find(&self.span.span.attributes, key)
    }

    /// Returns the time from `start`, the start of the trace, to the start of this span, in nanoseconds.
    pub fn since(&self, start: u64) -> u64 {
        self.span.span.start_time_unix_nano.saturating_sub(start)
    }

    /// Returns the error of a failed span: `error.type`, the status description, or `error`.
    pub fn error(&self) -> Option<String> {
        let span = &self.span.span;
        let status = span.status.as_ref()?;
        (status.code() == StatusCode::Error).then(|| {
            attributes::find(&span.attributes, attributes::ERROR_TYPE)
                .or_else(|| Some(status.message.clone()).filter(|text| !text.is_empty()))
                .unwrap_or_else(|| "error".to_owned())
        })
    }
}

/// Returns every span with its depth and position, parents first. Does not use recursion, since a trace can be deeper
/// than the call stack.
fn tree(spans: &[Arc<StoredSpan>]) -> Vec<(Arc<StoredSpan>, usize, Position)> {
    let mut by_start: Vec<_> = spans.iter().collect();
    by_start.sort_by_key(|span| (span.span.start_time_unix_nano, span.id));

    let known: HashSet<SpanId> = spans.iter().map(|span| span.id).collect();
    let mut children: HashMap<SpanId, Vec<&Arc<StoredSpan>>> = HashMap::new();
    let mut tops = Vec::new();
    for &span in &by_start {
        match span.parent {
            None => tops.push((span, Position::Root)),
            Some(parent) if known.contains(&parent) => {
                children.entry(parent).or_default().push(span);
            }
            Some(_) => tops.push((span, Position::Orphan)),
        }
    }
    // If spans form a cycle, none of them is below a root or orphan, so the earliest span of the cycle is treated as an
    // orphan.
    tops.extend(by_start.iter().map(|&span| (span, Position::Orphan)));

    let mut placed = HashSet::with_capacity(spans.len());
    let mut rows = Vec::with_capacity(spans.len());
    for (top, position) in tops {
        let mut open = vec![(top, 0, position)];
        while let Some((span, depth, position)) = open.pop() {
            if placed.insert(span.id) {
                rows.push((Arc::clone(span), depth, position));
                let below = children.get(&span.id).into_iter().flatten().rev();
                open.extend(below.map(|&child| (child, depth + 1, Position::Child)));
            }
        }
    }
    rows
}

/// Returns the end of the span, never before its start.
fn end(span: &StoredSpan) -> u64 {
    let span = &span.span;
    span.end_time_unix_nano.max(span.start_time_unix_nano)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a bar is drawn a few hundred steps wide"
)]
pub(crate) fn fraction(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests;
