//! Lays a trace out as a waterfall: which row each span has, how deep it stands, where its bar begins and ends.
//!
//! One layout for two pictures: [`crate::pages`] draws it as HTML, [`crate::terminal`] as text. Real traces are
//! untidy: parents that never arrive, clocks that disagree, spans that name each other as parents. Every span gets
//! its row all the same.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use crate::attributes;
use crate::store::{SpanId, StoredSpan, Trace};

pub mod critical;
pub mod skew;

pub use crate::duration::human_duration;

/// A trace, ready to draw.
#[derive(Debug, Default)]
pub struct Waterfall {
    /// The rows in tree order: each span before its children, siblings by their start.
    pub rows: Vec<Row>,
    /// The services in the order they appear; a row's `service` points here.
    pub services: Vec<String>,
    /// When the earliest span begins, in nanoseconds since 1970.
    pub start: u64,
    /// From the earliest start to the latest end, in nanoseconds.
    pub duration: u64,
}

/// One span's row.
#[derive(Debug)]
pub struct Row {
    /// The span.
    pub span: Arc<StoredSpan>,
    /// Index into [`Waterfall::services`].
    pub service: usize,
    /// How many ancestors it has in this trace.
    pub depth: usize,
    /// Its parent, as an index into [`Waterfall::rows`]; none for a root and an orphan.
    pub parent: Option<usize>,
    /// How many rows stand below it: its children, theirs, and so on.
    pub below: usize,
    /// Where it hangs.
    pub place: Place,
    /// Where its bar begins, as a fraction of the whole width.
    pub offset: f64,
    /// How long its bar is, as a fraction of the whole width.
    pub width: f64,
}

/// Where a span hangs in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It has no parent: the trace begins here.
    Root,
    /// Below its parent.
    Child,
    /// It names a parent that is not above it: not arrived, in a caller that is not watched, or lost.
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
        for (span, depth, place) in tree(&trace.spans) {
            let name = span.source.service.as_str();
            let known = services.get(name).copied();
            let service = known.unwrap_or_else(|| {
                waterfall.services.push(name.to_owned());
                services.insert(name.to_owned(), services.len());
                services.len() - 1
            });
            waterfall.push(span, service, depth, place);
        }
        waterfall.count_below();
        waterfall
    }

    /// Whether all spans hang together under one root.
    pub fn is_joined(&self) -> bool {
        self.count(Place::Root) == 1 && self.count(Place::Orphan) == 0
    }

    /// How many rows are at such a place.
    pub fn count(&self, place: Place) -> usize {
        self.rows.iter().filter(|row| row.place == place).count()
    }

    /// The row to name the trace by: the root, or the first there is.
    pub fn first(&self) -> Option<&Row> {
        let root = self.rows.iter().find(|row| row.place == Place::Root);
        root.or_else(|| self.rows.first())
    }

    /// The row of a span.
    pub fn find(&self, id: SpanId) -> Option<&Row> {
        self.rows.iter().find(|row| row.span.id == id)
    }

    /// The spans that failed, in tree order.
    pub fn failed(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.error().is_some())
    }

    /// The rows come in tree order, so a parent's count is final once all rows after it have added theirs.
    fn count_below(&mut self) {
        for at in (0..self.rows.len()).rev() {
            if let Some(parent) = self.rows[at].parent {
                self.rows[parent].below += 1 + self.rows[at].below;
            }
        }
    }

    fn push(&mut self, span: Arc<StoredSpan>, service: usize, depth: usize, place: Place) {
        let begin = span.span.start_time_unix_nano;
        // The path from the top to the latest row leads by each of its ancestors.
        let mut parent = self.rows.len().checked_sub(1);
        while let Some(at) = parent.filter(|&at| self.rows[at].depth >= depth) {
            parent = self.rows[at].parent;
        }
        self.rows.push(Row {
            service,
            depth,
            parent,
            below: 0,
            place,
            offset: fraction(begin - self.start, self.duration),
            width: fraction(end(&span) - begin, self.duration),
            span,
        });
    }
}

impl Row {
    /// The kind as the specification writes it, without its prefix.
    pub fn kind(&self) -> &'static str {
        match self.span.span.kind() {
            SpanKind::Server => "SERVER",
            SpanKind::Client => "CLIENT",
            SpanKind::Producer => "PRODUCER",
            SpanKind::Consumer => "CONSUMER",
            SpanKind::Internal | SpanKind::Unspecified => "INTERNAL",
        }
    }

    /// From start to end in nanoseconds; none where the end lies before the start.
    pub fn duration(&self) -> u64 {
        self.end() - self.start()
    }

    /// In nanoseconds since 1970.
    pub fn start(&self) -> u64 {
        self.span.span.start_time_unix_nano
    }

    /// In nanoseconds since 1970, and never before the start.
    pub fn end(&self) -> u64 {
        end(&self.span)
    }

    /// The value of an attribute as text.
    pub fn attribute(&self, key: &str) -> Option<String> {
        attributes::find(&self.span.span.attributes, key)
    }

    /// Nanoseconds from the start of the trace.
    pub fn since(&self, start: u64) -> u64 {
        self.span.span.start_time_unix_nano.saturating_sub(start)
    }

    /// What went wrong, if something did: `error.type`, or the status' own words, or just `error`.
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

/// Every span with its depth and place, parents first. No recursion: a trace may be deeper than the stack.
fn tree(spans: &[Arc<StoredSpan>]) -> Vec<(Arc<StoredSpan>, usize, Place)> {
    let mut by_start: Vec<_> = spans.iter().collect();
    by_start.sort_by_key(|span| (span.span.start_time_unix_nano, span.id));

    let known: HashSet<SpanId> = spans.iter().map(|span| span.id).collect();
    let mut children: HashMap<SpanId, Vec<&Arc<StoredSpan>>> = HashMap::new();
    let mut tops = Vec::new();
    for &span in &by_start {
        match span.parent {
            None => tops.push((span, Place::Root)),
            Some(parent) if known.contains(&parent) => {
                children.entry(parent).or_default().push(span);
            }
            Some(_) => tops.push((span, Place::Orphan)),
        }
    }
    // Spans that are each other's ancestors hang below none of these; the earliest of them stands in for their root.
    tops.extend(by_start.iter().map(|&span| (span, Place::Orphan)));

    let mut placed = HashSet::with_capacity(spans.len());
    let mut rows = Vec::with_capacity(spans.len());
    for (top, place) in tops {
        let mut open = vec![(top, 0, place)];
        while let Some((span, depth, place)) = open.pop() {
            if placed.insert(span.id) {
                rows.push((Arc::clone(span), depth, place));
                let below = children.get(&span.id).into_iter().flatten().rev();
                open.extend(below.map(|&child| (child, depth + 1, Place::Child)));
            }
        }
    }
    rows
}

/// The end, never before the start.
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
